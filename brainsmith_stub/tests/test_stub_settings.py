from __future__ import annotations

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_stub.backend import FutureBrainsmithBackend
from brainsmith_stub.settings import MockSettings, without_mock_flags


def test_by_default_every_build_succeeds_and_nothing_sleeps() -> None:
    assert FutureBrainsmithBackend().settings == MockSettings(success_rate=1.0, build_seconds=(0.0, 0.0))


def test_flags_of_a_build_go_before_the_constructor() -> None:
    settings = FutureBrainsmithBackend(mock_success_rate=0.9, mock_build_time_range=(1, 2), mock_seed=3).settings
    flags: dict[str, JSONValue] = {"mock_success_rate": 0, "mock_seed": 5, "mock_build_seconds": 0.5}
    assert settings.with_flags(flags) == MockSettings(success_rate=0, seed=5, build_seconds=(0.5, 0.5))


def test_flags_that_are_not_given_leave_the_constructor_values() -> None:
    settings = MockSettings(success_rate=0.25, seed=7, build_seconds=(1, 2))
    assert settings.with_flags({"board": "Pynq-Z1", "mock_seed": None}) == settings


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"mock_sucess_rate": 1}, 'did you mean "mock_success_rate"'),
        ({"mock_success_rate": 1.5}, "must be 0 to 1"),
        ({"mock_success_rate": True}, "must be float"),
        ({"mock_seed": 0.5}, "must be int"),
        ({"mock_build_seconds": -1}, "must be 0 to"),
    ],
)
def test_a_wrong_mock_flag_is_refused_with_advice(flags: dict[str, JSONValue], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MockSettings().with_flags(flags)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_success_rate_outside_of_0_to_1_is_refused(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="mock_success_rate"):
        FutureBrainsmithBackend(mock_success_rate=rate)


@pytest.mark.parametrize("seconds", [(-1, 2), (2, 1), (0, float("inf"))])
def test_a_range_of_build_times_that_cannot_be_is_refused(seconds: tuple[float, float]) -> None:
    with pytest.raises(ConfigurationError, match="the lesser first"):
        FutureBrainsmithBackend(mock_build_time_range=seconds)


def test_only_flags_about_the_simulation_are_taken_out() -> None:
    assert without_mock_flags({"mock_seed": 1, "board": "U250"}) == {"board": "U250"}
