"""Results of one model on many platforms, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.converters import to_tuple
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildMetrics, BuildResult, BuildStatus

__all__ = ["OBJECTIVES", "CrossPlatformComparison", "PlatformRow"]

#: What platforms are compared by: a field of BuildMetrics, and whether more of it is better.
OBJECTIVES: Mapping[str, bool] = {
    "throughput": True,
    "latency": False,
    "clock_frequency": True,
    "lut_utilization": False,
    "dsp_utilization": False,
    "bram_utilization": False,
    "uram_utilization": False,
    "total_power": False,
    "accuracy": True,
}
_UTILISATIONS = ("lut_utilization", "bram_utilization", "dsp_utilization", "uram_utilization")


@attrs.frozen(kw_only=True)
class PlatformRow:
    """What came out on one platform at one clock.

    Args:
        platform: the board's or the part's name.
        clock_ns: the clock's period that was asked for, in ns; None for the backend's default.
        result: the build's result.
    """

    platform: str
    clock_ns: float | None
    result: BuildResult

    def value(self, objective: str) -> float | None:
        """Return a figure of `OBJECTIVES`; None where it is missing or the build failed."""
        if self.result.status is not BuildStatus.SUCCESS or self.result.metrics is None:
            return None
        found: float | None = getattr(self.result.metrics, objective)
        return found

    @property
    def fits(self) -> bool | None:
        """Whether each resource whose share is known is within the device; None if none is known."""
        shares = [share for name in _UTILISATIONS if (share := self.value(name)) is not None]
        return all(share <= 1 for share in shares) if shares else None

    @property
    def tightest(self) -> str:
        """The resource with the largest share, or "" if none is known."""
        shares = {name: share for name in _UTILISATIONS if (share := self.value(name)) is not None}
        return max(shares, key=lambda name: shares[name]).removesuffix("_utilization") if shares else ""


@attrs.frozen(kw_only=True)
class CrossPlatformComparison:
    """One model on many platforms.

    Args:
        rows: one for each platform and clock, in the order that was asked for.
    """

    rows: tuple[PlatformRow, ...] = attrs.field(converter=to_tuple)

    @property
    def simulated(self) -> bool:
        """Whether any of the results is simulated."""
        return any(row.result.simulated for row in self.rows)

    def best(self, objective: str) -> PlatformRow | None:
        """Return the best row, the first of equals; None where none has the figure. What is known not to fit is out.

        Simulated figures are never mixed with measured ones: where both are there, the measured ones count.

        Args:
            objective: a key of `OBJECTIVES`.

        Raises:
            ConfigurationError: for another objective.
        """
        if objective not in OBJECTIVES:
            text = f'there is no objective "{objective}"'
            raise ConfigurationError(text, hint=did_you_mean(objective, OBJECTIVES) or ", ".join(OBJECTIVES))
        found = [
            (value, row) for row in self.rows if row.fits is not False and (value := row.value(objective)) is not None
        ]
        measured = [each for each in found if not each[1].result.simulated]
        sign = -1 if OBJECTIVES[objective] else 1
        return min(measured or found, key=lambda each: sign * each[0], default=(None, None))[1]

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data."""
        best = {name: None if (row := self.best(name)) is None else row.result.config_id for name in OBJECTIVES}
        return {"rows": [_row(row) for row in self.rows], "best": dict(best), "simulated": self.simulated}


def _row(row: PlatformRow) -> dict[str, JSONValue]:
    result = row.result
    metrics = result.metrics or BuildMetrics()
    return {
        "config_id": result.config_id,
        "platform": row.platform,
        "clock_ns": row.clock_ns,
        "status": result.status.value,
        "fits": row.fits,
        "tightest": row.tightest or None,
        "metrics": {name: row.value(name) for name in OBJECTIVES},
        "stages": dict(metrics.stages),
        "simulated": result.simulated,
        "cached": result.cached,
        "output_dir": result.output_dir,
        "error": result.error_message or None,
    }
