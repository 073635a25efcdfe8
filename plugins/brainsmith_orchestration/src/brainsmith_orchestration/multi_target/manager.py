"""Schedules one model for many platforms and clocks, builds them, and compares what came out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError, ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.result import BuildResult

from ..controller import Controller
from .comparison import CrossPlatformComparison, PlatformRow
from .platforms import FPGAPlatform, FPGAPlatformRegistry

__all__ = ["MultiTargetBuildManager"]

_DEVICE_FLAGS = ("board", "fpga_part", "target_device")
_CLOCK_FLAGS = ("synth_clk_period_ns", "target_clock_ns", "clock_period_ns")

Expectation = Callable[[BuildConfig], float | None]


class MultiTargetBuildManager:
    """Builds one model for many boards and clocks in one go.

    What the builds share (import, clean-up, streamlining) is done once where the backend keeps its steps.

    Args:
        build_runner_factory: makes the runner of each build; else that of the best real backend installed.
        parallel: how many builds run at once.
        plugins: where boards and parts are registered; else the plugins of this environment.

    Example:
        >>> manager = MultiTargetBuildManager(create_build_runner_factory("future_brainsmith"))
        >>> builds = manager.schedule_multi_platform_build("model.onnx", ["Pynq-Z1", "ZCU104"], clocks_ns=[5, 10])
        >>> [build.id for build in builds]
        ['Pynq-Z1-5ns', 'Pynq-Z1-10ns', 'ZCU104-5ns', 'ZCU104-10ns']
    """

    def __init__(
        self,
        build_runner_factory: RunnerFactory | None = None,
        *,
        parallel: int = 1,
        plugins: PluginManager | None = None,
    ) -> None:
        self.platform_registry = FPGAPlatformRegistry(plugins)
        self._factory = build_runner_factory
        self._parallel = parallel
        self._scheduled: dict[str, tuple[FPGAPlatform, float | None, BuildConfig]] = {}

    def schedule_multi_platform_build(
        self,
        model: str | Path | BuildConfig,
        platforms: Iterable[str],
        *,
        clocks_ns: Sequence[float] = (),
        output_dir: str | Path | None = None,
    ) -> list[BuildConfig]:
        """Schedule a model for each platform at each clock; nothing is built yet.

        Args:
            model: the model file, or a configuration whose board, part and clock (if any) are replaced.
            platforms: names of boards or parts.
            clocks_ns: clock periods in ns; none for the configuration's own, or the backend's default.
            output_dir: the folder for all of them, a folder each; else that of the configuration, or
                `builds/MODEL`.

        Raises:
            ConfigurationError: for an unknown platform, no platform, one that is given twice, or a clock that
                can't be.
        """
        base = model if isinstance(model, BuildConfig) else _config_of(Path(model))
        root = Path(base.output_dir if output_dir is None else output_dir).absolute()
        found = [self.platform_registry.find(name) for name in platforms]
        if not found:
            raise ConfigurationError("no platform is given", hint="name at least one board or part")
        for period in clocks_ns:
            if isinstance(period, bool) or not 0 < period < float("inf"):
                raise ConfigurationError(f"a clock's period must be greater than 0 ns, but is {period}")
        clocks: Sequence[float | None] = clocks_ns or (None,)
        points = [(platform, clock) for platform in found for clock in clocks]
        configs = [_place(base, root, platform, clock) for platform, clock in points]
        mine: set[str] = set()
        for config in configs:
            if config.id in mine or config.id in self._scheduled:
                raise ConfigurationError(f"the target {config.id} is given twice", hint="give each target once")
            mine.add(config.id)
        for (platform, clock), config in zip(points, configs, strict=True):
            self._scheduled[config.id] = (platform, clock, config)
        return configs

    def optimize_build_order(
        self, build_requests: Iterable[BuildConfig], expected_seconds: Expectation | None = None
    ) -> list[BuildConfig]:
        """Return builds in the order that ends soonest on parallel slots: the longest expected first.

        Longest first is at most a third above the best possible order (Graham 1969, "Bounds on multiprocessing
        timing anomalies"). A build of which nothing is known goes before all others, since it may be the longest.

        Args:
            build_requests: the builds.
            expected_seconds: how long a build will take, in seconds; else what the result in its own folder says
                it took the last time. None where that isn't known.
        """
        expected = expected_seconds or _last_seconds
        requests = list(build_requests)
        seconds = {config.id: expected(config) for config in requests}

        def rank(config: BuildConfig) -> float:
            known = seconds[config.id]
            return float("-inf") if known is None else -known

        return sorted(requests, key=rank)

    def execute(
        self, on_event: Callable[[BuildEvent], None] | None = None, folder: Path | None = None
    ) -> Iterator[BuildResult]:
        """Build all that is scheduled, and yield the results as they finish; finished builds aren't built again.

        Args:
            on_event: called with each event of each build.
            folder: no other controller may work in it meanwhile.

        Raises:
            BuildCancelledError: after Ctrl-C, when all is stopped.
        """
        factory = self._factory or create_build_runner_factory()
        ordered = self.optimize_build_order(config for _, _, config in self._scheduled.values())
        with Controller(factory, self._parallel, folder=folder, on_event=on_event) as controller:
            yield from controller.run(ordered)

    def aggregate_cross_platform_results(self, build_results: Iterable[BuildResult]) -> CrossPlatformComparison:
        """Compare results across platforms, in the order in which they were scheduled.

        Args:
            build_results: results of builds that this manager scheduled.

        Raises:
            ConfigurationError: for a result of something else, or two of one build.
        """
        results: dict[str, BuildResult] = {}
        for result in build_results:
            if result.config_id not in self._scheduled:
                raise ConfigurationError(f'"{result.config_id}" was not scheduled here')
            if result.config_id in results:
                raise ConfigurationError(f'there are two results of "{result.config_id}"')
            results[result.config_id] = result
        rows = [
            PlatformRow(platform=platform.name, clock_ns=clock, result=results[build_id])
            for build_id, (platform, clock, _) in self._scheduled.items()
            if build_id in results
        ]
        return CrossPlatformComparison(rows=rows)


def _config_of(model: Path) -> BuildConfig:
    return BuildConfig(id=model.stem or "model", model_path=str(model), output_dir=str(Path("builds") / model.stem))


def _place(base: BuildConfig, root: Path, platform: FPGAPlatform, clock: float | None) -> BuildConfig:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", platform.name)
    build_id = name if clock is None else f"{name}-{clock:g}ns"
    dropped = {*_DEVICE_FLAGS, *(_CLOCK_FLAGS if clock is not None else ())}
    flags = {key: value for key, value in base.config_flags.items() if key not in dropped}
    flags |= platform.flags()
    if clock is not None:
        flags[_CLOCK_FLAGS[0]] = float(clock)
    return attrs.evolve(base, id=build_id, output_dir=str(root / build_id), config_flags=flags)


def _last_seconds(config: BuildConfig) -> float | None:
    """Return how long the build in this folder took; None if there is none, or none that can be read."""
    try:
        result = Workspace(Path(config.output_dir)).read_result()
    except BrainsmithError:
        return None
    return None if result is None else result.duration_seconds
