"""Simulated figures: each is drawn from a digest of the configuration's content, so it never changes."""

from __future__ import annotations

import hashlib
import json

from brainsmith_core.config import BuildConfig
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import to_data
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage

from .settings import without_mock_flags

__all__ = ["content_digest", "draw", "simulated_metrics"]

_GREATEST_UTILISATION = 0.95

#: Resources of the device that the simulation pretends to build for, with the unit of their counts.
_DEVICE = {"util.lut": (50_000, "count"), "util.dsp": (200, "count"), "util.bram_18k": (300, "18 Kb")}


def content_digest(config: BuildConfig, model_sha256: str, seed: int) -> str:
    """Return a digest of all that decides what a build gives: not its id, place, limits or chance of success.

    Args:
        config: the build.
        model_sha256: digest of the model after preprocessing.
        seed: the simulation's seed.
    """
    content = {
        "model": model_sha256,
        "seed": seed,
        "kernels": config.kernels,
        "transforms": config.transforms,
        "build_steps": config.build_steps,
        "flags": without_mock_flags(config.config_flags),
        "steps": [to_data(step) for step in (*config.preprocessing, *config.postprocessing)],
        "output_stage": config.global_config.output_stage.value,
        "range": [getattr(config.global_config, name) for name in ("start_step", "stop_step")],
        "types": [getattr(config.global_config, name) for name in ("input_type", "output_type")],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def draw(digest: str, name: str, low: float = 0.0, high: float = 1.0) -> float:
    """Return a number between `low` (inclusive) and `high` that depends on the digest and the name only.

    Example:
        >>> draw("d", "x") == draw("d", "x") != draw("d", "y")
        True
    """
    number = int.from_bytes(hashlib.sha256(f"{digest}/{name}".encode()).digest()[:6])
    return low + (high - low) * number / 2**48


def transform_count(config: BuildConfig) -> int:
    """Return the number of transforms, over all stages."""
    return sum(len(names) for names in config.transforms.values())


def complexity_factor(config: BuildConfig) -> float:
    """Return how much a build is asked to do: the number of kernels and transforms, divided by ten."""
    return (len(config.kernels) + transform_count(config)) / 10


def simulated_metrics(config: BuildConfig, digest: str) -> list[Metric]:
    """Return the figures of a build: more kernels and transforms make it slower and larger.

    Args:
        config: the build.
        digest: of its content.
    """
    growth = 1 + 0.1 * complexity_factor(config)
    drawn = [
        _metric("perf.throughput_fps", draw(digest, "throughput", 800, 1200) / growth, "frames/s"),
        _metric("perf.latency_us", draw(digest, "latency", 5, 15) * growth, "µs"),
        _metric("perf.clk_mhz", draw(digest, "clock", 200, 400), "MHz"),
        _metric("util.lut.fraction", _utilisation(draw(digest, "lut", 0.3, 0.7) * growth), "fraction"),
        _metric("util.dsp.fraction", _utilisation(draw(digest, "dsp", 0.2, 0.6) * growth), "fraction"),
        _metric("util.bram_18k.fraction", _utilisation(draw(digest, "bram", 0.1, 0.5) * growth), "fraction"),
        _metric("util.uram.fraction", _uram(digest), "fraction"),
        _metric("power.total_w", draw(digest, "power", 5, 25), "W", Stage.POWER),
        _metric("accuracy.top1", draw(digest, "accuracy", 0.85, 0.99), "fraction", Stage.MODEL),
    ]
    counted = [
        _metric("mock_build", True, "bool", Stage.BUILD),
        _metric("complexity_factor", complexity_factor(config), "1", Stage.BUILD),
        _metric("kernel_count", len(config.kernels), "count", Stage.BUILD),
        _metric("transform_count", transform_count(config), "count", Stage.BUILD),
    ]
    return drawn + _counts(drawn) + counted


def _counts(drawn: list[Metric]) -> list[Metric]:
    """Return how much of the pretended device is used: the same designs ranked by counts as by fractions."""
    fractions = {metric.name.removesuffix(".fraction"): metric.number or 0.0 for metric in drawn}
    used = [_metric(name, round(fractions[name] * total), unit) for name, (total, unit) in _DEVICE.items()]
    return used + [_metric(f"{name}.available", total, "count") for name, (total, _) in _DEVICE.items()]


def _utilisation(value: float) -> float:
    return min(_GREATEST_UTILISATION, value)


def _uram(digest: str) -> float | None:
    """Half of the designs use no URAM that a report would show: their figure is missing, not zero."""
    return draw(digest, "uram", 0, 0.3) if draw(digest, "has uram") > 0.5 else None


def _metric(name: str, value: JSONValue, unit: str, stage: Stage = Stage.ESTIMATE) -> Metric:
    if isinstance(value, float):
        value = round(value, 6)
    status = MetricStatus.MISSING if value is None else MetricStatus.SIMULATED
    source = MetricSource(field="mock")
    return Metric(name=name, value=value, unit=unit, stage=stage, status=status, source=source)
