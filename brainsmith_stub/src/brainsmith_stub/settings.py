"""How a simulated build behaves: from the backend's constructor, and for one build from its flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from brainsmith_core.build.parameters import checked_parameters
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.records import Parameter

__all__ = ["FLAGS", "MockSettings"]

_PREFIX: Final = "mock_"

#: The flags that the stub itself understands; all others are passed along.
FLAGS: Final = (
    Parameter(
        name="mock_success_rate",
        type="float",
        summary="share of configurations whose simulated build succeeds, 0..1",
        minimum=0,
        maximum=1,
    ),
    Parameter(name="mock_seed", type="int", summary="another seed, other figures"),
    Parameter(name="mock_build_seconds", type="float", summary="how long the simulated build takes, in s", minimum=0),
)


@attrs.frozen(kw_only=True)
class MockSettings:
    """How a simulated build behaves.

    Args:
        success_rate: share of configurations that succeed, 0..1.
        seed: changes all figures.
        build_seconds: least and greatest length of a build, in s; a configuration always takes the same.
    """

    success_rate: float = 1.0
    seed: int = 0
    build_seconds: tuple[float, float] = (0.0, 0.0)

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.success_rate <= 1:
            raise ConfigurationError(f"mock_success_rate must be 0..1, but is {self.success_rate}")
        least, greatest = self.build_seconds
        if not 0 <= least <= greatest < float("inf"):
            hint = "give two times in s, the lesser first"
            raise ConfigurationError(f"mock_build_time_range can't be {self.build_seconds}", hint=hint)

    def with_flags(self, flags: Mapping[str, JSONValue]) -> MockSettings:
        """Return these settings as the flags of one build change them.

        Raises:
            ConfigurationError: for an unknown `mock_` flag or a wrong value.

        Example:
            >>> MockSettings().with_flags({"mock_success_rate": 0.5, "target_fps": 100}).success_rate
            0.5
        """
        given = {name: value for name, value in flags.items() if name.startswith(_PREFIX)}
        checked = checked_parameters(FLAGS, given, "the simulated backend")
        rate, seed, seconds = (checked[flag.name] for flag in FLAGS)
        return MockSettings(
            success_rate=rate if isinstance(rate, int | float) else self.success_rate,
            seed=seed if isinstance(seed, int) else self.seed,
            build_seconds=(seconds, seconds) if isinstance(seconds, int | float) else self.build_seconds,
        )


def without_mock_flags(flags: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """Return the flags that aren't about the simulation."""
    return {name: value for name, value in flags.items() if not name.startswith(_PREFIX)}
