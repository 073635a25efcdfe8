"""Requirements are read as `packaging` reads them, and quicker where they are plain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from brainsmith_core.plugins.requirements import is_met, missing_requirements, unmet_core_requirement

versions = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
clauses = st.lists(
    st.tuples(st.sampled_from([">=", "<=", ">", "<", "==", "!="]), versions).map("".join), max_size=3
).map(",".join)


@given(version=versions, specifier=clauses)
def test_plain_requirements_mean_what_packaging_says(version: str, specifier: str) -> None:
    assert is_met(f"thing {specifier}", version) == SpecifierSet(specifier).contains(version, prereleases=True)


@pytest.mark.parametrize(
    ("requirement", "version", "met"),
    [
        ("thing~=1.2", "1.9", True),
        ("thing==1.*", "2.0", False),
        ("thing[extra]>=2", "1.0", False),
        ("thing>=2; python_version < '3'", "1.0", True),
        ("thing>=1", "2.0.dev3", True),
        ("thing (>=2)", "1", False),
    ],
)
def test_others_are_read_by_packaging(requirement: str, version: str, met: bool) -> None:
    assert is_met(requirement, version) is met


def test_only_requirements_on_core_itself_count() -> None:
    assert unmet_core_requirement(["brainsmith-core-extras>=9", "attrs>=99"], "0.1.0") == ""
    assert unmet_core_requirement(["Brainsmith.Core>=9"], "0.1.0") == "Brainsmith.Core>=9"
    with pytest.raises(ValueError, match="can't be read"):
        unmet_core_requirement(["brainsmith-core >> 1"], "0.1.0")


def test_what_is_missing_is_named_as_pip_takes_it() -> None:
    wanted = ["a>=1 ; python_version >= '3'", "b ; sys_platform == 'beos'", "c; extra == 'x'", "d; what", "here"]
    assert missing_requirements(wanted, {"here": 1}) == ["a>=1"]
