"""The workflow engine: FINN's and QONNX' transformations and steps as pipelines, watched while they run."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import from_data

from .dataflow_config import plan_build
from .environments import FINNEnvironmentManager
from .environments.records import FINNEnvironment
from .pipeline_executor import FINNPipelineExecutor
from .pipeline_records import FINNPipeline, PipelineResult, PipelineStatus
from .transformations import FINNTransformationRegistry, TransformCall

__all__ = [
    "FINNPipeline",
    "FINNPipelineExecutor",
    "FINNTransformationRegistry",
    "FINNWorkflowEngine",
    "PipelineResult",
    "PipelineStatus",
]

#: What requirements may hold: the parts of a BuildConfig that say what the backend does, and those of its settings.
_OF_BUILD = ("kernels", "transforms", "build_steps", "config_flags")
_OF_SETTINGS = (
    *("output_stage", "start_step", "stop_step", "input_type", "output_type"),
    *("timeout_minutes", "memory_gb", "log_level"),
)
_SEQUENCE_KEYS = ("output_dir", "timeout_minutes", "memory_gb")


class FINNWorkflowEngine:
    """Runs sequences of transformations, and pipelines made to requirements, in one FINN environment.

    Args:
        finn_installation_path: the environment: its folder, its interpreter, a FINN checkout, or its name.

    Example:
        ```python
        engine = FINNWorkflowEngine("finn-plus-1.6.1")
        result = engine.execute_transformation_sequence(
            "model.onnx", ["ConvertQONNXtoFINN", "GiveUniqueNodeNames{prefix=top_}"], {"output_dir": "out"}
        )
        ```
    """

    def __init__(self, finn_installation_path: str | Path | FINNEnvironment) -> None:
        if isinstance(finn_installation_path, FINNEnvironment):
            self.environment = finn_installation_path
        else:
            self.environment = FINNEnvironmentManager().find(finn_installation_path)
        self.finn_path = self.environment.path
        self.pipeline_executor = FINNPipelineExecutor(self.environment)

    @functools.cached_property
    def transformation_registry(self) -> FINNTransformationRegistry:
        """The transformations that the environment has."""
        return FINNTransformationRegistry(self.environment.description.transformations, self.environment.title)

    def execute_transformation_sequence(
        self, model: str | Path, transformations: Iterable[str], config: Mapping[str, JSONValue]
    ) -> PipelineResult:
        """Apply transformations to a model, in order, and return what came of it.

        Args:
            model: the model that goes in; it stays as it is.
            transformations: names, with parameters in braces where they take some; `~` in front: left out where the
                environment doesn't have it.
            config: `output_dir` (made if it isn't there), and limits: `timeout_minutes`, `memory_gb`.

        Raises:
            ConfigurationError: for an unknown transformation, a wrong parameter or an unknown key of `config`.
            MissingRequirementError: if there is no such model.
        """
        _check_keys(config, _SEQUENCE_KEYS, "config")
        pipeline = self.create_sequence(transformations)
        output_dir = config.get("output_dir")
        if not isinstance(output_dir, str | Path):
            raise ConfigurationError("config needs output_dir: the folder that the transformed model is written to")
        pipeline_id = self.pipeline_executor.start(
            pipeline,
            Path(model),
            Path(output_dir),
            timeout_s=_scaled(config, "timeout_minutes", 60),
            memory_bytes=_bytes(config),
        )
        return self.pipeline_executor.wait(pipeline_id)

    def create_sequence(self, transformations: Iterable[str]) -> FINNPipeline:
        """Return a pipeline of transformations, to be started with `pipeline_executor.start`.

        Raises:
            ConfigurationError: for an unknown transformation or a wrong parameter.
        """
        calls: list[TransformCall] = []
        for text in transformations:
            optional = text.lstrip().startswith("~")
            name = text.strip().removeprefix("~").partition("{")[0].strip()
            if not optional or name in self.transformation_registry:
                calls.append(self.transformation_registry.resolve(text))
        return FINNPipeline(transformations=calls, steps=[call.name.rpartition(".")[2] for call in calls])

    def create_custom_pipeline(self, requirements: Mapping[str, JSONValue]) -> FINNPipeline:
        """Return the pipeline of a whole build that fulfils requirements, each step at its place.

        Args:
            requirements: keys of a BuildConfig that say what the backend does (`kernels`, `transforms`, `build_steps`,
                `config_flags`) and of its `global_config` (`output_stage`, `start_step`, `stop_step`, `input_type`,
                `output_type`, `timeout_minutes`, `memory_gb`, `log_level`).

        Raises:
            ConfigurationError: for anything in them that this FINN doesn't know or can't do.
        """
        _check_keys(requirements, (*_OF_BUILD, *_OF_SETTINGS), "requirements")
        data: dict[str, JSONValue] = {"id": "pipeline", "model_path": "model.onnx", "output_dir": "pipeline"}
        data |= {key: requirements[key] for key in _OF_BUILD if key in requirements}
        data["global_config"] = {key: requirements[key] for key in _OF_SETTINGS if key in requirements}
        build = from_data(BuildConfig, data, "requirements")
        plan = plan_build(build, self.environment, registry=self.transformation_registry)
        return FINNPipeline(build=build, steps=[step.name for step in plan.steps.steps])

    def monitor_execution(self, pipeline_id: str) -> PipelineStatus:
        """Return how far a pipeline is at this moment.

        Raises:
            ConfigurationError: for an unknown pipeline.
        """
        return self.pipeline_executor.status(pipeline_id)


def _check_keys(given: Mapping[str, JSONValue], known: tuple[str, ...], what: str) -> None:
    for key in given:
        if key not in known:
            raise ConfigurationError(f'{what}: unknown key "{key}"', hint=did_you_mean(key, known))


def _scaled(config: Mapping[str, JSONValue], key: str, factor: float) -> float | None:
    value = config.get(key)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise ConfigurationError(f"config: {key} must be a number greater than 0, but is {value!r}")
    return value * factor


def _bytes(config: Mapping[str, JSONValue]) -> int | None:
    value = _scaled(config, "memory_gb", 2**30)
    return None if value is None else int(value)
