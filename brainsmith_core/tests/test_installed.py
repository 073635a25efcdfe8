"""Installed distributions are read from their metadata, in the same order everywhere."""

from __future__ import annotations

import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.plugins.installed import core_version, installed, normalised


def add(folder: Path, name: str, files: dict[str, bytes]) -> None:
    (folder / name).mkdir(parents=True)
    for file, content in files.items():
        (folder / name / file).write_bytes(content)


POINT = b"# a comment\n[other]\nx = y\n\n[brainsmith.plugins]\n; another\none = a.b\ntwo = c:d\n[last]\nz = z\n"


def test_it_sees_what_python_sees() -> None:
    expected = {normalised(each.metadata["Name"]): each.version for each in reversed(list(metadata.distributions()))}
    assert {name: each.version for name, each in installed().items()} == expected
    assert core_version() == metadata.version("brainsmith-core")


def test_entry_points_name_and_requirements_are_read(tmp_path: Path) -> None:
    text = (
        b"Name: The.Name\nVersion: 2\nRequires-Dist: a\nRequires-Dist: b>1\n"
        b"Description: x\n Requires-Dist: no\n\nName: no\n"
    )
    add(tmp_path, "the_name-2.dist-info", {"METADATA": text, "entry_points.txt": POINT})
    (found,) = installed([str(tmp_path)]).values()
    assert (found.name, found.version, found.requires, found.problem) == ("The.Name", "2", ("a", "b>1"), "")
    assert found.plugins == (("one", "a.b"), ("two", "c:d"))


def test_an_old_style_distribution_is_read_too(tmp_path: Path) -> None:
    files = {"PKG-INFO": b"Name: old\nVersion: 1\n", "entry_points.txt": POINT, "requires.txt": b"a\n\n[extra]\nb\n"}
    add(tmp_path, "old-1-py3.11.egg-info", files)
    (tmp_path / "plain-2.egg-info").write_text("a file")
    assert [(each.name, each.requires) for each in installed([str(tmp_path)]).values()] == [
        ("old", ("a",)),
        ("plain", ()),
    ]
    (tmp_path / "old-1-py3.11.egg-info" / "requires.txt").unlink()
    assert installed([str(tmp_path)])["old"].requires == ()


@pytest.mark.parametrize(
    ("metadata_file", "problem"),
    [
        (None, "is not there"),
        (b"\xff\xfe", "is no text"),
        (b"Version: 1\n", "has no Name"),
        (b"Name: x\n", "no Version"),
    ],
)
def test_damaged_metadata_is_a_problem_of_that_distribution(
    tmp_path: Path, metadata_file: bytes | None, problem: str
) -> None:
    files = {"entry_points.txt": POINT} | ({"METADATA": metadata_file} if metadata_file is not None else {})
    add(tmp_path, "x-1.dist-info", files)
    found = installed([str(tmp_path)])["x"]
    assert problem in found.problem
    assert found.plugins


def test_the_first_on_the_path_counts_and_leftovers_of_pip_do_not(tmp_path: Path) -> None:
    for folder, version in (("a", "1"), ("b", "2")):
        add(tmp_path / folder, f"x-{version}.dist-info", {})
    add(tmp_path / "a", "~-1.dist-info", {})
    found = installed([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "none")])
    assert [(each.name, each.version) for each in found.values()] == [("x", "1")]


def test_an_archive_on_the_path_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1\n")
        archive.writestr("x-1.dist-info/entry_points.txt", POINT.decode())
    assert installed([str(path)])["x"].plugins == (("one", "a.b"), ("two", "c:d"))


def test_finders_of_other_tools_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, "found-1.dist-info", {"METADATA": b"Name: found\nVersion: 1\n", "entry_points.txt": POINT})

    class Finder:
        def find_distributions(self, context: metadata.DistributionFinder.Context) -> list[metadata.Distribution]:
            return [metadata.PathDistribution(tmp_path / "found-1.dist-info")]

        def find_spec(self, *arguments: object) -> None:
            return None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert installed()["found"].plugins == (("one", "a.b"), ("two", "c:d"))


def test_a_core_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(MissingRequirementError, match="isn't installed"):
        core_version.__wrapped__()
