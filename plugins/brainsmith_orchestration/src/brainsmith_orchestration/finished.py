"""Which builds are finished already: what lies in their folders tells, nothing else is kept."""

from __future__ import annotations

import hashlib
import json
import logging
from functools import cached_property
from pathlib import Path

from brainsmith_core.build.runner import BackendBase, BuildRunner
from brainsmith_core.build.workspace import Workspace, file_digest
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError, MissingRequirementError
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildResult, BuildStatus

__all__ = ["FinishedBuilds"]

_log = logging.getLogger("brainsmith")

#: Keys that say where a build lies and what it belongs to, but not what is built.
_PLACE = ("model_path", "output_dir", "design_space_id", "combination_index", "total_combinations")
_HOUSEKEEPING = ("working_directory", "cache_results", "save_artifacts", "log_level", "max_combinations")
#: Limits that a build has kept say nothing more about it.
_LIMITS = ("timeout_minutes", "memory_gb")


class FinishedBuilds:
    """Recognises builds that are finished.

    Args:
        runner_factory: makes the runners; a result of another backend, or of another version or `identity`
            of it, doesn't count.
    """

    def __init__(self, runner_factory: RunnerFactory) -> None:
        self._runner_factory = runner_factory
        self._digests: dict[tuple[str, int, int, int], str] = {}

    def key(self, config: BuildConfig) -> bytes:
        """Return a digest of everything that decides what a build gives: configurations with equal keys are one.

        Raises:
            MissingRequirementError: if the model isn't there.
        """
        data = json.dumps(_content(config), sort_keys=True)
        return hashlib.sha256(f"{self._model_digest(config)}{data}".encode()).digest()[:16]

    def find(self, config: BuildConfig) -> BuildResult | None:
        """Return the result of a build that is finished; None if it isn't, wholly or as it is wanted now.

        A build is finished if its `result.json` is whole, its status is final and trying again is pointless, and it
        was made from the same configuration and model by the same backend. Nothing is finished that is only like it.

        Args:
            config: the build that is wanted.
        """
        workspace = Workspace(Path(config.output_dir).absolute())
        try:
            result = workspace.read_result()
            if result is None or not _is_lasting(result):
                return None
            same = _same(workspace.read_config(), config, result.status)
            if not same or not self._same_model(workspace, result, config) or not self._same_backend(result, config):
                return None
        except (BrainsmithError, OSError):  # half-written or damaged: then it isn't finished
            return None
        except Exception:  # noqa: BLE001 - foreign code: a backend that can't say what it is gets its build repeated
            _log.warning("the backend's identity can't be told: build %s is repeated", config.id, exc_info=True)
            return None
        result.cached = True
        result.output_dir = str(workspace.root)
        return result

    @cached_property
    def _runner(self) -> BuildRunner | None:
        """What tells the backend's name, version and identity; None for a runner that can't."""
        runner = self._runner_factory()
        if isinstance(runner, BackendBase):
            return runner.as_runner()
        return runner if isinstance(runner, BuildRunner) else None

    def _same_backend(self, result: BuildResult, config: BuildConfig) -> bool:
        if self._runner is None:
            return True
        name, plugin = self._runner.offer.record.name, self._runner.offer.plugin
        versions = [use.version for use in result.plugins if use.role == f"backend {name}"]
        if result.backend != name or versions != [plugin.version]:
            return False
        return all(result.provenance.get(key) == value for key, value in self._runner.identity(config).items())

    def _same_model(self, workspace: Workspace, result: BuildResult, config: BuildConfig) -> bool:
        recorded = result.provenance.get("model_sha256") or file_digest(workspace.model)
        return recorded == self._model_digest(config)

    def _model_digest(self, config: BuildConfig) -> str:
        path = Path(config.model_path).absolute()
        try:
            state = path.stat()
            key = (str(path), state.st_ino, state.st_size, state.st_mtime_ns)
            if key not in self._digests:
                self._digests[key] = file_digest(path)
        except OSError as error:
            text = f"the model {path} can't be read: {error.strerror or error}"
            raise MissingRequirementError(text, hint="check the path", category="model_load") from error
        return self._digests[key]


def _is_lasting(result: BuildResult) -> bool:
    """Whether building again would give the same."""
    return result.status.is_final and not (result.error is not None and result.error.retryable)


def _content(config: BuildConfig, *more: str) -> dict[str, JSONValue]:
    """Return what decides what is built, without the further settings named."""
    data = config.to_dict()
    settings = data["global_config"]
    assert isinstance(settings, dict)
    content = {key: value for key, value in data.items() if key not in _PLACE}
    left_out = (*_HOUSEKEEPING, *more)
    content["global_config"] = {key: value for key, value in settings.items() if key not in left_out}
    return content


def _same(stored: BuildConfig, wanted: BuildConfig, status: BuildStatus) -> bool:
    if wanted.global_config.save_artifacts and not stored.global_config.save_artifacts:
        return False
    more = _LIMITS if status is BuildStatus.SUCCESS else ()
    return _content(stored, *more) == _content(wanted, *more)
