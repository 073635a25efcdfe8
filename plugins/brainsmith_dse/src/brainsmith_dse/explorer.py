"""Explore a design space: build what the search selects, go on where an earlier run stopped, say what is best."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from brainsmith_core.build.runner import BuildRunner
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BuildCancelledError, ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import Executor, RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport
from brainsmith_orchestration.controller import Controller
from brainsmith_orchestration.store.location import PROJECT_STORE, store_location

from .aggregate import ResultsAggregator
from .combinations import CombinationGenerator, Configurations
from .exploration_folder import BackendIdentity, ExplorationFolder, default_output_dir
from .forge_api import DesignSpaceValidator
from .hooks import ExplorationHook
from .identity import CONFIG_ID
from .results import ExplorationResults
from .space import DesignSpace
from .work_order import family, work_order

__all__ = ["explore"]

_log = logging.getLogger("brainsmith.dse")


def explore(
    design_space: DesignSpace,
    build_runner_factory: RunnerFactory,
    hooks: Iterable[ExplorationHook] | None = None,
    resume_from: str | Path | None = None,
    *,
    output_dir: str | Path | None = None,
    retry_failed: bool = False,
    on_event: Callable[[BuildEvent], None] | None = None,
    executor: Executor | None = None,
    store: str | None = PROJECT_STORE,
) -> ExplorationResults:
    """Build the configurations that a design space's search selects and return what came of them.

    An exploration whose folder holds finished builds goes on where it stopped: they aren't built again.
    All configurations are checked before the first build starts; until then nothing is written.

    Args:
        design_space: what `forge` gave.
        build_runner_factory: what `create_build_runner_factory` gave.
        hooks: code of your own at the turning points.
        resume_from: the folder of an earlier exploration, which goes on there; or the id of a configuration: those
            up to and including it aren't built, but what they gave counts.
        output_dir: the exploration's folder; by default `<working_directory>/<name>`.
        retry_failed: build again what failed or took too long.
        on_event: called with each event of each build, from the builds' threads.
        executor: where the builds run; else on this machine, `parallel_builds` at once.
        store: path or URL of the store that records all builds, None for none; else the project's one.

    Raises:
        ConfigurationError: for a design space that is too large, a wrong configuration, a folder that can't be used.
        MissingRequirementError: if something that the builds need isn't here.
        BuildCancelledError: after Ctrl-C (once: running builds finish; twice: they are stopped) or SIGTERM; what was
            built until then is written and goes into the next run.

    Example:
        >>> import tempfile
        >>> from brainsmith_core import create_build_runner_factory
        >>> from brainsmith_dse import DesignSpace, HWCompilerSpace
        >>> flags = {"target_fps": {"values": [1000, 2000]}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model = Path(folder, "model.onnx")
        ...     _ = model.write_bytes(bytes([8, 7, 18, 4]) + b"test")  # as much as the simulation looks at
        ...     space = DesignSpace(model_path=model, hw_compiler_space=HWCompilerSpace(config_flags=flags))
        ...     factory = create_build_runner_factory("future_brainsmith")
        ...     results = explore(space, factory, output_dir=Path(folder, "out"))
        >>> results.success_count
        2
    """
    DesignSpaceValidator().validate(design_space).raise_if_invalid(design_space.name)
    folder, after = _place(design_space, resume_from, output_dir)
    runner = build_runner_factory()
    backend = BackendIdentity.of(runner)
    folder.check(backend)
    configs = CombinationGenerator(folder.root).select(design_space)
    search = design_space.search_config
    with Controller(
        build_runner_factory,
        search.parallel_builds,
        folder=folder.root,
        timeout_minutes=search.timeout_minutes,
        on_event=on_event,
        executor=executor,
        store=store_location() if store == PROJECT_STORE else store,
    ) as controller:
        exploration = _Exploration(design_space, folder, configs, backend, controller, hooks or (), retry_failed)
        exploration.look(runner if isinstance(runner, BuildRunner) else None, after)
        return exploration.run()


def _place(
    space: DesignSpace, resume_from: str | Path | None, output_dir: str | Path | None
) -> tuple[ExplorationFolder, str | None]:
    """Return the exploration's folder and the configuration to go on after."""
    wanted = None if output_dir is None else ExplorationFolder(Path(output_dir))
    if resume_from is None or CONFIG_ID.match(str(resume_from)):
        after = None if resume_from is None else str(resume_from)
        return wanted or ExplorationFolder(default_output_dir(space)), after
    folder = ExplorationFolder(Path(resume_from))
    if folder.read_record() is None:
        text = f"there is no exploration to go on with in {folder.root}"
        raise ConfigurationError(text, hint="give the folder that holds exploration.json, or a configuration's id")
    if wanted is not None and wanted.root.resolve() != folder.root.resolve():
        text = f"resume_from is {folder.root}, but output_dir is {wanted.root}"
        raise ConfigurationError(text, hint="an exploration goes on in its own folder: leave out output_dir")
    return folder, None


class _Exploration:
    """One exploration under way."""

    def __init__(
        self,
        space: DesignSpace,
        folder: ExplorationFolder,
        configs: Configurations,
        backend: BackendIdentity,
        controller: Controller,
        hooks: Iterable[ExplorationHook],
        retry_failed: bool,
    ) -> None:
        self._space, self._folder, self._configs = space, folder, configs
        self._backend, self._controller, self._retry_failed = backend, controller, retry_failed
        self._hooks = list(hooks)
        self._started = time.monotonic()
        self._found: list[tuple[BuildConfig, BuildResult]] = []
        self._to_build = configs.at(())
        self._results = ExplorationResults(
            design_space_id=configs.design_space_id,
            total_combinations=space.get_total_combinations(),
            output_dir=str(folder.root),
        )

    def look(self, runner: BuildRunner | None, after: str | None) -> None:
        """Find what is finished already and check everything that is left to build; writes nothing.

        Args:
            runner: what checks; None for a runner that can't.
            after: the configuration up to which nothing is built, or None.
        """
        left = self._configs if after is None else CombinationGenerator.filter_by_resume(self._configs, after)
        first = len(self._configs) - len(left)
        indices, families, seen = list[int](), list[str](), dict[str, int]()
        for place, config in enumerate(self._configs):
            if seen.setdefault(config.id, place) != place:
                raise self._same_twice(seen[config.id], place)
            result = self._finished(config)
            if result is not None:
                self._found.append((config, result))
            elif place >= first:
                if runner is not None and not runner.is_stored(config):
                    runner.validate(config)
                indices.append(config.combination_index)
                families.append(family(config))
        self._to_build = self._configs.at([indices[place] for place in work_order(families)])

    def _same_twice(self, first: int, second: int) -> ConfigurationError:
        """Return the error for two combinations that are one design, such as by two files of the same content."""
        chosen = [self._space.choices(self._configs.indices[place]) for place in (first, second)]
        differ = [name for name in chosen[0] if chosen[0][name] != chosen[1][name]]
        listed = ", ".join(f"{name}: {chosen[0][name]} and {chosen[1][name]}" for name in differ)
        return ConfigurationError(f"two combinations are the same design: {listed}", hint="remove one of the two")

    def run(self) -> ExplorationResults:
        """Build what is left, then say what is best and write it down."""
        interruption = None
        try:
            for result in self._controller.run(self._source()):
                config = self._results.get_config(result.config_id)
                assert config is not None
                self._take(config, self._of_this_model(result))
        except BuildCancelledError as error:
            interruption = error
        self._finish()
        if interruption is not None:
            raise interruption
        return self._results

    def _of_this_model(self, result: BuildResult) -> BuildResult:
        """Return the result; a failed one, and start nothing more, if the model was changed since it was looked at."""
        if result.provenance.get("model_sha256") in (None, self._configs.model_sha256):
            return result
        text = f"the model {self._space.model_path} was changed during the exploration"
        self._controller.stop(text)
        advice = "Leave the model as it is while it is explored, and start again: what fits the model isn't repeated."
        error = ErrorReport(category="configuration", message=text, phase="preprocessing", advice=(advice,))
        return attrs.evolve(result, status=BuildStatus.FAILED, metrics=None, error_message=text, error=error)

    def _source(self) -> Iterator[BuildConfig]:
        """Give the controller what to build; it begins once the folder is ours alone."""
        record = self._folder.begin(self._space, self._configs, self._backend)
        self._results.run_id = record.run
        self._fire("on_exploration_start", self._space, self._results)
        self._fire("on_combinations_generated", self._configs)
        for config, result in self._found:
            self._controller.record(config, result)
            self._take(config, result)
        for number, config in enumerate(self._to_build):
            if self._controller.over:
                left = len(self._to_build) - number
                self._results.warnings.append(f"{left:,} configurations weren't built: {self._controller.over}")
                return
            spared = self._spared(config)
            if spared is not None:
                self._take(config, spared)
                continue
            if self._retry_failed:
                Workspace(Path(config.output_dir)).result.unlink(missing_ok=True)
            self._results.add_config(config)
            yield config

    def _take(self, config: BuildConfig, result: BuildResult) -> None:
        self._results.add_config(config)
        self._results.add_result(result)
        self._fire("on_build_complete", config, result)

    def _finish(self) -> None:
        results, search = self._results, self._space.search_config
        results.end_time, results.seconds = datetime.now(UTC), time.monotonic() - self._started
        results.sort_by_index()
        ResultsAggregator(results, search.objectives, search.constraints).finalize()
        self._fire("on_exploration_complete", results)
        self._folder.write_results(results, self._space)

    def _finished(self, config: BuildConfig) -> BuildResult | None:
        """Return the result of a build that is finished and needn't be repeated, or None."""
        if not config.global_config.cache_results or not Workspace(Path(config.output_dir)).result.exists():
            return None
        result = self._controller.finished.find(config)
        return None if result is None or (self._retry_failed and not result.succeeded) else result

    def _spared(self, config: BuildConfig) -> BuildResult | None:
        """Return a result that a hook has for a configuration, if it counts as our own."""
        for hook in list(self._hooks) if config.global_config.cache_results else ():
            result = self._call(hook, "find_result", config)
            if isinstance(result, BuildResult) and self._counts(config, result):
                return attrs.evolve(result, cached=True)
        return None

    def _counts(self, config: BuildConfig, result: BuildResult) -> bool:
        versions = [use.version for use in result.plugins if use.role == f"backend {self._backend.name}"]
        same_backend = result.backend == self._backend.name and versions == [self._backend.version]
        return same_backend and result.config_id == config.id and result.succeeded

    def _fire(self, name: str, *arguments: object) -> None:
        for hook in list(self._hooks):
            self._call(hook, name, *arguments)

    def _call(self, hook: ExplorationHook, name: str, *arguments: object) -> Any:
        """Call a hook; one that raises is left out from then on, and the user is told."""
        try:
            return getattr(hook, name)(*arguments)
        except Exception as error:  # noqa: BLE001 - foreign code: a hook can't harm the exploration
            self._hooks.remove(hook)
            text = f"the hook {type(hook).__name__} is left out: {name} raised {type(error).__name__}: {error}"
            self._results.warnings.append(text)
            _log.warning("%s\n%s", text, traceback.format_exc())
            return None
