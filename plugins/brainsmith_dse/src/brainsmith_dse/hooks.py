"""Code of your own at the turning points of an exploration, and two hooks that are ready to use."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from brainsmith_core.build.workspace import write_json
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError
from brainsmith_core.result import BuildResult
from brainsmith_orchestration.progress_state import ProgressState

from .results import ExplorationResults
from .space import DesignSpace

__all__ = ["CachingHook", "ExplorationHook", "LoggingHook"]


class ExplorationHook:
    """Something that watches an exploration; override what you need.

    A hook that raises is left out from then on, and a warning in the results says so.

    Example:
        >>> class Count(ExplorationHook):
        ...     failed = 0
        ...     def on_build_complete(self, config, result):
        ...         self.failed += not result.succeeded
    """

    def on_exploration_start(self, design_space: DesignSpace, exploration_results: ExplorationResults) -> None:
        """Called before anything is built.

        Args:
            design_space: what is explored.
            exploration_results: empty so far; `output_dir` is the exploration's folder.
        """

    def on_combinations_generated(self, configs: Sequence[BuildConfig]) -> None:
        """Called with the configurations that will be built.

        Args:
            configs: each is made when it is asked for, so that a huge space costs nothing.
        """

    def find_result(self, config: BuildConfig) -> BuildResult | None:
        """Return a result of the configuration that spares its build, or None.

        It is taken if it succeeded with the same backend in the same version. A build that is finished in the
        exploration's folder isn't asked for.
        """
        del config
        return None

    def on_build_complete(self, config: BuildConfig, result: BuildResult) -> None:
        """Called with each result, also with those that were there before (`result.cached`)."""

    def on_exploration_complete(self, exploration_results: ExplorationResults) -> None:
        """Called at the end, also if the exploration was interrupted, after all results are counted."""


class LoggingHook(ExplorationHook):
    """Logs how an exploration goes on.

    Args:
        log_level: least severity that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
        log_file: where to; else to stderr.
    """

    def __init__(self, log_level: str = "INFO", log_file: str | Path | None = None) -> None:
        # A logger of its own: what the program does with the shared ones doesn't change what this hook logs.
        self._logger = logging.Logger("brainsmith.dse.exploration", log_level)  # noqa: LOG001 - its own logger: it must not share handlers
        self._file = log_file
        self._state = ProgressState()

    def on_exploration_start(self, design_space: DesignSpace, exploration_results: ExplorationResults) -> None:
        """Log what is explored."""
        handler = logging.FileHandler(self._file) if self._file else logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._logger.handlers = [handler]
        total = exploration_results.total_combinations
        self._logger.info("exploring %s (%s): %s combinations", design_space.name, design_space.model_path, total)

    def on_combinations_generated(self, configs: Sequence[BuildConfig]) -> None:
        """Log how many configurations are built."""
        self._state = ProgressState(total=len(configs))
        self._logger.info("%s configurations selected", len(configs))

    def on_build_complete(self, config: BuildConfig, result: BuildResult) -> None:
        """Log a result; a failure as a warning, with its reason."""
        self._state.finish(result)
        if result.error_message:
            self._logger.warning("%s: %s: %s", config.id, result.status.value, result.error_message)
        else:
            how = "finished before" if result.cached else f"in {result.duration_seconds:.1f} s"
            self._logger.info("%s: %s %s (%s)", config.id, result.status.value, how, self._state.counts())

    def on_exploration_complete(self, exploration_results: ExplorationResults) -> None:
        """Log the summary."""
        for line in exploration_results.get_summary_string().splitlines():
            self._logger.info("%s", line)
        for handler in self._logger.handlers:
            handler.close()
        self._logger.handlers = []


class CachingHook(ExplorationHook):
    """Keeps the results of explorations in one folder, so that another one needn't build the same again.

    `exploration_cache.jsonl` gets one result a line, each once; `exploration_summary.json` tells of the last
    exploration. Within one exploration's folder nothing is built twice anyway: the hook is of use when several
    explorations, with folders of their own, share one cache folder.

    Args:
        cache_dir: the folder; by default that of the exploration.
    """

    def __init__(self, cache_dir: str | Path | None = None) -> None:
        self._folder = None if cache_dir is None else Path(cache_dir)
        self._known: dict[str, BuildResult] = {}

    @property
    def cache_file(self) -> Path:
        """The file with the results."""
        return (self._folder or Path()) / "exploration_cache.jsonl"

    def load(self) -> dict[str, BuildResult]:
        """Return the results in the cache by configuration id, the last one of each.

        A line that was cut off, as by a crash while it was written, is no result.
        """
        if not self.cache_file.exists():
            return {}
        found = {}
        for number, line in enumerate(self.cache_file.read_text("utf-8").splitlines(), start=1):
            try:
                result = BuildResult.from_dict(json.loads(line))
            except (ValueError, BrainsmithError) as error:
                logging.getLogger("brainsmith").warning("%s, line %d: %s", self.cache_file, number, error)
                continue
            found[result.config_id] = result
        return found

    def on_exploration_start(self, design_space: DesignSpace, exploration_results: ExplorationResults) -> None:
        """Read the cache."""
        del design_space
        self._folder = self._folder or Path(exploration_results.output_dir)
        self._known = self.load()

    def find_result(self, config: BuildConfig) -> BuildResult | None:
        """Return the configuration's result in the cache, or None."""
        return self._known.get(config.id)

    def on_build_complete(self, config: BuildConfig, result: BuildResult) -> None:
        """Append the result, unless it stands there already or the build came to no end of its own."""
        known = self._known.get(config.id)
        if not result.status.is_final or (known is not None and result.cached):
            return
        self._known[config.id] = result
        self.cache_file.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(result.to_dict(), ensure_ascii=False) + "\n"
        with self.cache_file.open("ab+") as file:
            if file.tell() and not _ends_with_newline(file.name):
                line = "\n" + line
            file.write(line.encode())

    def on_exploration_complete(self, exploration_results: ExplorationResults) -> None:
        """Write the summary."""
        results = exploration_results
        best = results.best_config
        self.cache_file.parent.mkdir(parents=True, exist_ok=True)
        write_json(
            self.cache_file.with_name("exploration_summary.json"),
            {
                "design_space_id": results.design_space_id,
                "run": results.run_id,
                "output_dir": results.output_dir,
                "total": results.total_combinations,
                "succeeded": results.success_count,
                "failed": results.failure_count,
                "skipped": results.skipped_count,
                "cached": results.cached_count,
                "best": best.id if best else None,
                "pareto": [config.id for config in results.pareto_optimal],
                "seconds": round(results.seconds, 3),
            },
        )


def _ends_with_newline(path: str) -> bool:
    with Path(path).open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"
