from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_finn_legacy.environments.identity import identity_of, source_digest, stamp_of

PYTHON = Path(sys.executable)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "finn"
    (folder / "builder").mkdir(parents=True)
    (folder / "__init__.py").write_text("one")
    (folder / "builder" / "steps.py").write_text("two")
    return folder


def test_byte_code_does_not_count(package: Path) -> None:
    digest, stamp = source_digest({"finn": package}), stamp_of(PYTHON, {"finn": package}, [])
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"1")
    (package / "left.pyc").write_bytes(b"1")
    assert source_digest({"finn": package}) == digest
    assert stamp_of(PYTHON, {"finn": package}, []) == stamp


def test_content_counts_for_the_digest_and_not_the_time(package: Path) -> None:
    digest = source_digest({"finn": package})
    os.utime(package / "__init__.py", (1, 1))
    assert source_digest({"finn": package}) == digest
    (package / "__init__.py").write_text("two")
    assert source_digest({"finn": package}) != digest


def test_a_renamed_file_counts(package: Path) -> None:
    digest = source_digest({"finn": package})
    (package / "builder" / "steps.py").rename(package / "builder" / "others.py")
    assert source_digest({"finn": package}) != digest


def test_where_the_package_is_does_not_count(package: Path) -> None:
    digest = source_digest({"finn": package})
    moved = package.rename(package.with_name("elsewhere"))
    assert source_digest({"finn": moved}) == digest


def test_the_time_of_a_file_counts_for_the_stamp(package: Path) -> None:
    before = stamp_of(PYTHON, {"finn": package}, [])
    assert stamp_of(PYTHON, {"finn": package}, []) == before
    os.utime(package / "__init__.py", (1, 1))
    assert stamp_of(PYTHON, {"finn": package}, []) != before


def test_installed_distributions_count_for_the_stamp(package: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    before = stamp_of(PYTHON, {"finn": package}, [site])
    (site / "notes.txt").touch()
    assert stamp_of(PYTHON, {"finn": package}, [site]) == before
    (site / "onnx-1.21.0.dist-info").mkdir()
    assert stamp_of(PYTHON, {"finn": package}, [site]) != before


def test_what_is_gone_has_no_stamp(package: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        stamp_of(tmp_path / "gone", {"finn": package}, [])
    with pytest.raises(OSError, match="gone"):
        stamp_of(PYTHON, {"finn": package}, [tmp_path / "gone"])


names = st.dictionaries(st.sampled_from(["onnx", "numpy", "qonnx"]), st.sampled_from(["1.0", "2.0"]))


@given(one=names, other=names)
def test_two_environments_have_one_identity_exactly_if_their_distributions_are_equal(
    one: dict[str, str], other: dict[str, str]
) -> None:
    def identity(distributions: dict[str, str]) -> str:
        return identity_of("finn-plus", "1.6.1", "3.11.2", distributions, "ab12")

    assert (identity(one) == identity(other)) == (one == other)
