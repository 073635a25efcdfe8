"""The standard tests of a preprocessing or postprocessing step."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import pytest

from ..build.parameters import checked_parameters
from ..build.runner import BuildRunner
from ..build.workspace import Workspace, file_digest
from ..config import BuildConfig, OutputStage, ProcessingStep
from ..context import BackendOutcome, BuildContext
from ..errors import ConfigurationError
from ..hookspecs import hookimpl
from ..metrics.report import REFUSED
from ..plugins.manager import Offer, PluginManager
from ..records import BackendSpec
from ..result import BuildResult, BuildStatus
from .plugin_suite import PluginSuite
from .tools import MODEL_BYTES, make_config

__all__ = ["StepSuite"]


class _NoBackend:
    """Builds nothing, so that only the step is tested."""

    def build(self, context: BuildContext) -> BackendOutcome:
        """Do nothing."""
        del context
        return BackendOutcome()


class StepSuite(PluginSuite):
    """The standard tests of a step.

    Attributes:
        step: its name.
        kind: `preprocessing` or `postprocessing`.
        parameters: those of a run that works.
        model: the content of a model that it can work on.
        settings: other settings of that run's `BuildConfig`.

    Example:
        >>> class TestMine(StepSuite):
        ...     step, kind, parameters = "my_step", "preprocessing", {"bits": 4}
    """

    step: ClassVar[str] = ""
    kind: ClassVar[Literal["preprocessing", "postprocessing"]] = "preprocessing"
    parameters: ClassVar[dict[str, Any]] = {}
    model: ClassVar[bytes] = MODEL_BYTES
    settings: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.hook = f"brainsmith_{cls.kind}_steps"

    def name(self) -> str:
        """Return the step's name."""
        return self.step

    def config(self, folder: Path, **parameters: Any) -> BuildConfig:
        """Return a configuration with the step; override it where more is needed."""
        given = {**self.parameters, **parameters}
        step = ProcessingStep(name=self.step, type=self.kind, parameters=given, on_error="fail")
        return make_config(folder, self.model, **{self.kind: (step,), **self.settings})

    @pytest.fixture
    def runner(self, plugins: PluginManager) -> BuildRunner:
        """Runs builds with a backend that does nothing."""
        spec = BackendSpec(
            name="no_backend",
            summary="builds nothing",
            target=f"{__name__}:_NoBackend",
            output_stages=(OutputStage.DATAFLOW_GRAPH,),
        )
        plugins.register(SimpleNamespace(brainsmith_backends=hookimpl(lambda: [spec])), "no_backend")
        return BuildRunner(_NoBackend(), plugins.backend("no_backend"), plugins)

    @pytest.fixture
    def result(self, runner: BuildRunner, tmp_path: Path) -> BuildResult:
        """The result of a build with the step."""
        return runner.run(self.config(tmp_path))

    def test_its_parameters_are_checked(self, offer: Offer[Any], runner: BuildRunner, tmp_path: Path) -> None:
        """The parameters of the example are right, and one that it doesn't declare is refused."""
        checked_parameters(offer.record.parameters, self.parameters, self.step)
        with pytest.raises(ConfigurationError, match="no_such_parameter"):
            runner.run(self.config(tmp_path, no_such_parameter=1))

    def test_it_runs_in_a_build(self, result: BuildResult) -> None:
        """The build succeeds, and its result says that the step took part."""
        assert result.status is BuildStatus.SUCCESS, result.error_message
        role = f"{self.kind} step {self.step}"
        (use,) = [each for each in result.plugins if each.role == role]
        assert use.version
        assert result.artifact_plugins == dict.fromkeys(result.artifacts, use)

    def test_all_that_it_names_lies_in_the_builds_folder(self, result: BuildResult) -> None:
        """Artefacts and logs are there, at relative paths inside the build's folder."""
        root = Path(result.output_dir)
        for name, path in {**result.artifacts, **result.logs}.items():
            assert not Path(path).is_absolute(), f"{name} is outside: {path}"
            assert (root / path).exists(), f"{name} is not there: {path}"

    def test_it_leaves_the_model_that_came_in_alone(self, runner: BuildRunner, tmp_path: Path) -> None:
        """What it makes of the model is another file."""
        config = self.config(tmp_path)
        before = file_digest(Path(config.model_path))
        result = runner.run(config)
        assert file_digest(Path(config.model_path)) == before
        assert file_digest(Workspace(Path(result.output_dir)).model) == before

    def test_its_figures_are_in_the_vocabulary(self, result: BuildResult) -> None:
        """Name and unit of each figure are known; what isn't would be left out."""
        assert [text for text in result.warnings if REFUSED in text] == []

    def test_running_it_twice_gives_the_same_model(self, runner: BuildRunner, tmp_path: Path) -> None:
        """The model depends on the input and the parameters alone."""
        digests = set()
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            result = runner.run(self.config(tmp_path / name))
            digests.add(file_digest(Workspace(Path(result.output_dir)).processed_model))
        assert len(digests) == 1
