"""The standard tests of a backend."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ..build.runner import BuildRunner, create_build_runner_factory
from ..build.workspace import Workspace, file_digest
from ..config import BuildConfig, GlobalConfig, OutputStage
from ..errors import ConfigurationError
from ..events import BuildEvent
from ..metric import MetricStatus, Stage
from ..metrics.report import REFUSED
from ..metrics.vocabulary import Vocabulary
from ..plugins.manager import Offer, PluginManager
from ..records import MetricKind
from ..result import BuildResult, BuildStatus
from .plugin_suite import PluginSuite
from .tools import MODEL_BYTES, make_config

__all__ = ["BackendSuite"]


class BackendSuite(PluginSuite):
    """The standard tests of a backend.

    Attributes:
        backend: its name.
        model: the content of a model that it can build.
        flags: the flags of a small build.
        settings: other settings of that build's `BuildConfig`.

    Example:
        >>> class TestMine(BackendSuite):
        ...     backend, flags = "my_backend", {"target_fps": 10}
    """

    hook = "brainsmith_backends"
    backend: ClassVar[str] = ""
    model: ClassVar[bytes] = MODEL_BYTES
    flags: ClassVar[dict[str, Any]] = {}
    settings: ClassVar[dict[str, Any]] = {}

    def name(self) -> str:
        """Return the backend's name."""
        return self.backend

    def config(self, folder: Path, **changes: Any) -> BuildConfig:
        """Return the configuration of a small build; override it where more is needed."""
        first = min(OutputStage, key=list(OutputStage).index)
        given: dict[str, Any] = {"config_flags": self.flags, "global_config": GlobalConfig(output_stage=first)}
        return make_config(folder, self.model, **{**given, **self.settings, **changes})

    @pytest.fixture
    def runner(self, plugins: PluginManager) -> BuildRunner:
        """Runs builds with the backend."""
        return create_build_runner_factory(self.backend, plugins)()

    @pytest.fixture
    def result(self, runner: BuildRunner, tmp_path: Path) -> BuildResult:
        """The result of the small build."""
        return runner.run(self.config(tmp_path))

    def test_it_reaches_some_stage_and_can_be_made(self, offer: Offer[Any], runner: BuildRunner) -> None:
        """The record says what it can do, and the backend is made without arguments."""
        assert offer.record.output_stages
        assert callable(runner.backend.build)
        assert runner.get_backend_name()

    def test_a_small_build_succeeds(self, result: BuildResult) -> None:
        """The build gives what was asked for, and says with what."""
        assert result.status is BuildStatus.SUCCESS, result.error_message
        assert result.backend == self.backend
        (use,) = [each for each in result.plugins if each.role == f"backend {self.backend}"]
        assert use.version
        assert result.artifact_plugins == dict.fromkeys(result.artifacts, use)

    def test_its_result_reads_back(self, result: BuildResult) -> None:
        """What is in the folder is what was returned."""
        assert Workspace(Path(result.output_dir)).read_result() == result

    def test_all_that_it_names_lies_in_its_folder(self, result: BuildResult) -> None:
        """Artefacts and logs are there, at relative paths inside the build's folder."""
        root = Path(result.output_dir)
        for name, path in {**result.artifacts, **result.logs}.items():
            assert not Path(path).is_absolute(), f"{name} is outside: {path}"
            assert (root / path).exists(), f"{name} is not there: {path}"

    def test_it_writes_nowhere_else_and_changes_nothing(
        self, runner: BuildRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The model, the working directory, the environment and the folder beside the build's stay as they are."""
        monkeypatch.chdir(tmp_path)  # an earlier build may have changed it
        config = self.config(tmp_path)
        before = (file_digest(Path(config.model_path)), Path.cwd(), dict(os.environ), _beside(tmp_path))
        runner.run(config)
        assert (file_digest(Path(config.model_path)), Path.cwd(), dict(os.environ), _beside(tmp_path)) == before

    def test_its_figures_are_in_the_vocabulary(self, result: BuildResult) -> None:
        """Name and unit of each figure are known; what isn't would be left out."""
        assert [text for text in result.warnings if REFUSED in text] == []

    def test_simulated_figures_and_only_those_say_so(self, result: BuildResult, offer: Offer[Any]) -> None:
        """A simulation never looks like a measurement, nor the other way round."""
        own = [each for each in _metrics(result) if each.source.parser == self.backend and each.is_present]
        wrong = [each.name for each in own if (each.status is MetricStatus.SIMULATED) != offer.record.simulated]
        assert wrong == []
        assert result.simulated == offer.record.simulated

    def test_the_same_build_gives_the_same_figures(
        self, runner: BuildRunner, plugins: PluginManager, tmp_path: Path
    ) -> None:
        """Figures that aren't noisy by nature depend on the configuration alone."""
        vocabulary = Vocabulary.of(plugins)
        found = []
        for folder in (tmp_path / "first", tmp_path / "second"):
            folder.mkdir()
            exact = []
            for each in _metrics(runner.run(self.config(folder))):
                definition = vocabulary.get(each.name)
                if definition and definition.kind_at(each.stage) is not MetricKind.NOISY and each.stage != Stage.BUILD:
                    exact.append((each.name, each.stage, each.scope, each.value))
            found.append(exact)
        assert found[0] == found[1]

    def test_a_build_that_shall_stop_does_not_fail(self, runner: BuildRunner, tmp_path: Path) -> None:
        """A build that is cancelled while the backend works is cancelled, unless it was finished before."""
        stop = threading.Event()

        def stop_in_backend(event: BuildEvent) -> None:
            if event.kind == "phase_started" and event.data.get("phase") == "backend":
                stop.set()

        result = runner.run(self.config(tmp_path), stop=stop, on_event=stop_in_backend)
        assert result.status is BuildStatus.CANCELLED or result.status is BuildStatus.SUCCESS, result.error_message

    def test_a_stage_that_it_cannot_reach_is_refused_before_anything_is_written(
        self, runner: BuildRunner, offer: Offer[Any], tmp_path: Path
    ) -> None:
        """The configuration is wrong, and says so at once."""
        beyond = [stage for stage in OutputStage if stage not in offer.record.output_stages]
        for stage in beyond:
            config = self.config(tmp_path, global_config=GlobalConfig(output_stage=stage))
            with pytest.raises(ConfigurationError):
                runner.run(config)
            assert not Path(config.output_dir).exists()


def _metrics(result: BuildResult) -> list[Any]:
    return Workspace(Path(result.output_dir)).read_metrics()


def _beside(folder: Path) -> list[str]:
    """Return what lies beside the build's folder."""
    return sorted(path.name for path in folder.iterdir() if path.name != "out")
