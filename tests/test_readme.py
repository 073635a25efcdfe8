"""The commands and programs of README.md run as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
#: `make test` runs this very test, and the clone is where it runs.
NOT_RUN = ("make test", "git clone", "cd brainsmith")
WRITTEN = ("out", "demo_output", "digits_output", "my_reports")


def script_of(language: str, text: str) -> str:
    if language == "sh":
        return "\n".join(line for line in text.splitlines() if not line.startswith(NOT_RUN))
    return text


@pytest.mark.readme
@pytest.mark.finn
@pytest.mark.slow
def test_what_the_readme_shows_runs_in_its_order() -> None:
    before = {name for name in WRITTEN if (ROOT / name).exists()}
    env = {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    env.pop("BRAINSMITH_DISABLE_PLUGINS", None)
    try:
        for language, text in BLOCKS:
            program = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}.get(language)
            if program is None:
                continue
            argv = [*program, script_of(language, text)]
            done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=1500, check=False)
            assert done.returncode == 0, f"{text}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    finally:
        for name in set(WRITTEN) - before:
            shutil.rmtree(ROOT / name, ignore_errors=True)


def test_the_readme_shows_commands_and_a_program() -> None:
    languages = [language for language, _ in BLOCKS]
    assert {"sh", "python", "toml"} <= set(languages)


def test_every_make_target_that_the_readme_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), f"the Makefile has no target {target}"
