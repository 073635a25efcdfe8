"""Brainsmith's core: the contract, plugin discovery, one build from start to result, the command line.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .public_face import lazy_names

if TYPE_CHECKING:
    from .build.pipelines import PostprocessingPipeline, PreprocessingPipeline
    from .build.runner import BackendBase, BuildRunner, BuildRunnerInterface, create_build_runner_factory
    from .build.workspace import Workspace
    from .config import BuildConfig, GlobalConfig, ProcessingStep
    from .context import BackendOutcome, BuildContext, BuildFailure, StepContext, StepOutcome
    from .diagnosis.handler import BuildErrorHandler
    from .errors import BrainsmithError, BuildCancelledError, ConfigurationError, MissingRequirementError, PluginError
    from .events import BuildEvent
    from .hookspecs import API_VERSION, hookimpl
    from .metric import Metric, MetricSource, MetricStatus
    from .metrics.collector import MetricsCollector
    from .plugins.manager import PluginManager, plugin_settings
    from .records import (
        BackendSpec,
        CommandSpec,
        Device,
        ErrorRule,
        ExecutorSpec,
        MetricDefinition,
        MetricParserSpec,
        Parameter,
        StepSpec,
        ValidatorSpec,
    )
    from .result import BuildMetrics, BuildResult, BuildStatus
    from .stages import OutputStage, Stage

_HOMES = {
    "metrics.collector": ("MetricsCollector",),
    "config": ("BuildConfig", "GlobalConfig", "ProcessingStep"),
    "context": ("BackendOutcome", "BuildContext", "BuildFailure", "StepContext", "StepOutcome"),
    "diagnosis.handler": ("BuildErrorHandler",),
    "errors": (
        "BrainsmithError",
        "BuildCancelledError",
        "ConfigurationError",
        "MissingRequirementError",
        "PluginError",
    ),
    "events": ("BuildEvent",),
    "hookspecs": ("API_VERSION", "hookimpl"),
    "metric": ("Metric", "MetricSource", "MetricStatus"),
    "build.pipelines": ("PostprocessingPipeline", "PreprocessingPipeline"),
    "plugins.manager": ("PluginManager", "plugin_settings"),
    "records": (
        "BackendSpec",
        "CommandSpec",
        "Device",
        "ErrorRule",
        "ExecutorSpec",
        "MetricDefinition",
        "MetricParserSpec",
        "Parameter",
        "StepSpec",
        "ValidatorSpec",
    ),
    "result": ("BuildMetrics", "BuildResult", "BuildStatus"),
    "stages": ("OutputStage", "Stage"),
    "build.runner": ("BackendBase", "BuildRunner", "BuildRunnerInterface", "create_build_runner_factory"),
    "build.workspace": ("Workspace",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "API_VERSION",
    "BackendBase",
    "BackendOutcome",
    "BackendSpec",
    "BrainsmithError",
    "BuildCancelledError",
    "BuildConfig",
    "BuildContext",
    "BuildErrorHandler",
    "BuildEvent",
    "BuildFailure",
    "BuildMetrics",
    "BuildResult",
    "BuildRunner",
    "BuildRunnerInterface",
    "BuildStatus",
    "CommandSpec",
    "ConfigurationError",
    "Device",
    "ErrorRule",
    "ExecutorSpec",
    "GlobalConfig",
    "Metric",
    "MetricDefinition",
    "MetricParserSpec",
    "MetricSource",
    "MetricStatus",
    "MetricsCollector",
    "MissingRequirementError",
    "OutputStage",
    "Parameter",
    "PluginError",
    "PluginManager",
    "PostprocessingPipeline",
    "PreprocessingPipeline",
    "ProcessingStep",
    "Stage",
    "StepContext",
    "StepOutcome",
    "StepSpec",
    "ValidatorSpec",
    "Workspace",
    "create_build_runner_factory",
    "hookimpl",
    "plugin_settings",
]

__getattr__ = lazy_names(__name__, _HOME_OF)
