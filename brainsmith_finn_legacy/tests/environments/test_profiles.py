from __future__ import annotations

import re

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_finn_legacy.environments.profiles import DEFAULT_VERSION, PROFILES, FINNVersionManager, Profile

ENTRY = re.compile(r"(?P<pin>[a-z0-9-]+==[\w.+]+)(?P<marker> ; python_full_version [<>=]+ '[\d.]+')? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")

everyone = pytest.mark.parametrize("profile", PROFILES, ids=lambda each: each.name)


@everyone
def test_a_lock_file_holds_exact_versions_and_hashes_and_nothing_else(profile: Profile) -> None:
    lines = profile.lock().splitlines()
    assert all(ENTRY.fullmatch(line) or HASH.fullmatch(line) for line in lines)
    assert len({line.split()[0] for line in lines if "==" in line}) > 40


@everyone
def test_a_lock_file_holds_its_finn_and_nothing_that_is_left_out(profile: Profile) -> None:
    names = {match["pin"].partition("==")[0] for match in map(ENTRY.fullmatch, profile.lock().splitlines()) if match}
    assert f"finn-plus=={profile.version} \\" in profile.lock()
    extra = {profile.extra.requirement.partition("==")[0]} if profile.extra else set()
    assert not (set(profile.left_out) - extra) & names


def test_only_the_full_profile_has_torch_and_it_is_the_build_without_cuda() -> None:
    with_torch = [each for each in PROFILES if re.search(r"^torch==", each.lock(), re.MULTILINE)]
    assert [each.name for each in with_torch] == ["finn-plus-1.6.1-full"]
    assert "torch==2.13.0+cpu" in with_torch[0].lock()
    assert "nvidia" not in with_torch[0].lock()


def test_the_default_is_the_small_profile_of_1_6_1() -> None:
    manager = FINNVersionManager()
    assert manager.versions[0] == DEFAULT_VERSION == "1.6.1"
    assert manager.profile(DEFAULT_VERSION).profile == "small"
    assert manager.profile("v1.6.1", full=True).profile == "full"
    assert manager.profile("finn-plus-1.5.0").version == "1.5.0"


def test_an_unknown_version_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match=r'did you mean "1\.6\.1"') as raised:
        FINNVersionManager().profile("1.6.2")
    assert "finn check PATH" in str(raised.value.hint)


def test_a_version_without_a_full_profile_says_which_has_one() -> None:
    with pytest.raises(ConfigurationError, match=r"no full profile of FINN\+ 1\.5\.0") as raised:
        FINNVersionManager().profile("1.5.0", full=True)
    assert "1.6.1" in str(raised.value.hint)


def test_profiles_are_found_by_name_and_by_version() -> None:
    manager = FINNVersionManager()
    assert manager.named("1.5.0") == manager.named("finn-plus-1.5.0") == manager.find("1.5.0", "small")
    full = manager.named("finn-plus-1.6.1-full")
    assert full == manager.find("1.6.1", "full")
    assert full is not None
    assert full.title == "FINN+ 1.6.1 (full profile)"
    assert manager.named("x") is None
    assert manager.find("1.5.0", "full") is None
