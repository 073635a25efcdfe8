"""`ResourceUtilizationTracker`: resources over the flow, how well they are used, what would be if."""

from __future__ import annotations

from collections.abc import Mapping

from brainsmith_core.plugins.manager import PluginManager

from .build_figures import BuildSource, read_build
from .efficiency import ResourceEfficiency, analyse_efficiency
from .resource_usage import ResourceUsage, track
from .scaling import ScalingPrediction, ScalingTarget, predict

__all__ = ["ResourceUtilizationTracker"]


class ResourceUtilizationTracker:
    """Tracks what a FINN build needs, layer by layer, from the estimate to the routed design.

    Args:
        plugins: whose parsers read reports; else those of this environment.

    Every method takes a `BuildResult`, the folder of a build, a FINN output folder, a report, metrics, or what
    `track_resource_usage` gave.

    Example:
        >>> from brainsmith_core import Metric, Stage
        >>> def figure(name, value, unit, layer):
        ...     return Metric(name=name, value=value, unit=unit, stage=Stage.ESTIMATE, scope={"layer": layer})
        >>> metrics = [
        ...     figure("perf.cycles", 400, "cycles", "MVAU_hls_0"),
        ...     figure("perf.cycles", 100, "cycles", "MVAU_hls_1"),
        ...     figure("util.lut", 900, "count", "MVAU_hls_0"),
        ...     figure("util.lut", 300, "count", "MVAU_hls_1"),
        ... ]
        >>> usage = ResourceUtilizationTracker().track_resource_usage(metrics)
        >>> usage.stages[0].layers["MVAU_hls_0"]
        {'util.lut': 900.0}
        >>> [(each.layer, each.idle) for each in ResourceUtilizationTracker().analyze_resource_efficiency(usage).layers]
        [('MVAU_hls_0', 0.0), ('MVAU_hls_1', 0.75)]
    """

    def __init__(self, plugins: PluginManager | None = None) -> None:
        self._plugins = plugins

    def track_resource_usage(self, synthesis_result: BuildSource | ResourceUsage) -> ResourceUsage:
        """Return what each layer and the whole need at each stage, with the changes between stages.

        Args:
            synthesis_result: a build, in any of the forms above.

        Raises:
            MissingRequirementError: if there is no figure.
            ConfigurationError: if it is none of these forms.
        """
        if isinstance(synthesis_result, ResourceUsage):
            return synthesis_result
        return track(read_build(synthesis_result, self._plugins))

    def analyze_resource_efficiency(self, usage_data: BuildSource | ResourceUsage) -> ResourceEfficiency:
        """Return how well each layer uses what it takes, against the bottleneck.

        Args:
            usage_data: a build, in any of the forms above.

        Raises:
            MissingRequirementError: if there is no figure.
            ConfigurationError: if no report tells the layers' cycles.
        """
        return analyse_efficiency(self.track_resource_usage(usage_data))

    def predict_scaling_behavior(
        self, current_usage: BuildSource | ResourceUsage, target_scale: ScalingTarget | Mapping[str, object] | float
    ) -> ScalingPrediction:
        """Return what the build would give with another folding, throughput or clock.

        Args:
            current_usage: a build, in any of the forms above.
            target_scale: a `ScalingTarget`, its fields in a mapping (`folding`, `target_fps`, `clock_ns`), or a factor
                on the throughput.

        Raises:
            MissingRequirementError: if there is no figure.
            ConfigurationError: if the build has no estimates, or doesn't allow what is asked for.
        """
        return predict(self.track_resource_usage(current_usage).build, target_scale)
