"""The documents name what there is, and all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from brainsmith_core.cli.app import App
from brainsmith_core.cli.main import main

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")])


def commands() -> Iterator[str]:
    """Every command of the command line, sub-commands included."""
    context = click.Context(main, obj=App())
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"brainsmith {name} {each}" for each in command.list_commands(click.Context(command)))
        else:
            yield f"brainsmith {name}"


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_in_the_reference(command: str) -> None:
    assert f"`{command}" in (ROOT / "docs" / "reference" / "command-line.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    known = set(commands())
    groups = {command.rsplit(" ", 1)[0] for command in known if command.count(" ") == 2}
    for words in re.findall(r"(?:^|`)(brainsmith [a-z]+(?: [a-z]+)?)", document.read_text(), flags=re.MULTILINE):
        first_two = " ".join(words.split()[:2])
        assert words in known or first_two in known or words in groups, f"{document.name} names {words!r}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (document.parent / "".join(target.split("\n"))).exists(), f"{document.name} links to {target}"
