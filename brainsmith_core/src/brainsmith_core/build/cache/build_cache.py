"""Whole builds: one whose like was built before gets that one's result, files and all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from ...config import BuildConfig
from ...context import Backend
from ...formats.json_values import JSONValue
from ...plugins.manager import PluginManager
from ...records import BackendSpec
from ...result import BuildResult
from ...store import ContentStore, DamagedEntry, Entry, StoreError, size_limit
from ..workspace import Workspace, config_digest, write_whole
from .build_key import build_key
from .folder_files import NotReusableError, put_files, restore_files
from .settings import cache_root

__all__ = ["KIND", "BuildCache"]

#: The kind of the store's entries for builds; their group is the build's key.
KIND = "build"
_NAME = "result"
#: Builds that took fewer seconds are built again: to store and restore them takes as long.
SHORTEST_SECONDS = 0.05
#: What is written anew for each folder.
_OWN = ("config.json", "model.onnx", "result.json", "events.jsonl")

_log = logging.getLogger("brainsmith")


@attrs.frozen
class BuildCache:
    """The stored result of one configuration.

    Args:
        store: where it is, or will be.
        key: what decides it.
        config: the build that is wanted.
    """

    store: ContentStore
    key: str
    config: BuildConfig

    @classmethod
    def of(cls, config: BuildConfig, backend: Backend, spec: BackendSpec, plugins: PluginManager) -> BuildCache | None:
        """Return the place of a build's result, or None where nothing is reused or what decides it can't be told."""
        root = cache_root(config)
        if root is None:
            return None
        try:
            key = build_key(config, backend, spec, plugins)
            return None if key is None else cls(ContentStore(str(root)), key, config)
        except StoreError as error:
            _log.warning("nothing is reused: %s", error)
        except Exception:  # noqa: BLE001 - foreign code tells its identity; what is wrong is said when it is validated
            _log.debug("what decides build %s can't be told", config.id, exc_info=True)
        return None

    def entry(self) -> Entry | None:
        """Return the stored result, if there is one."""
        return self.store.entry(KIND, self.key, _NAME)

    def restore(self, workspace: Workspace) -> BuildResult | None:
        """Write the stored result into a build's folder, `result.json` left out, and return it; None if there is none.

        Raises:
            ConfigurationError: if the folder can't be used.
        """
        entry = self.entry()
        if entry is None:
            return None
        try:
            document = entry.document
            result = BuildResult.from_dict(document["result"], entry.path)
            workspace.create(self.config)
            restore_files(self.store, workspace.root, document["files"])
        except DamagedEntry:  # said already; it is built again
            self.store.drop(entry)
            return None
        self.store.touch(entry)
        digest = document["config_sha256"].encode()
        metrics = workspace.metrics.read_bytes().replace(digest, config_digest(self.config).encode())
        write_whole(workspace.metrics, metrics)
        result.config_id, result.output_dir, result.cached = self.config.id, str(workspace.root), True
        result.provenance["cached_from"] = document["origin"]
        return result

    @contextmanager
    def alone(self, give_up: Callable[[], bool]) -> Iterator[bool]:
        """Let one of all processes build this at a time; gives whether to look again for what another has built."""
        with self.store.single_flight(f"{KIND} {self.key}", give_up) as waited:
            yield bool(waited)

    def put(self, workspace: Workspace, result: BuildResult, places: tuple[Path, ...] = ()) -> str:
        """Store a build's result.

        Args:
            workspace: its folder.
            result: its result: a success, whose steps have all succeeded.
            places: further folders that its files may refer to.

        Returns:
            why it can't be used in other folders, so wasn't stored, or "".
        """
        if result.duration_seconds < SHORTEST_SECONDS:
            return f"it took less than {SHORTEST_SECONDS} s"
        root = workspace.root
        logs = [workspace.log, *(root / path for path in result.logs.values())]
        files = sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file())
        wanted = [path for path in files if str(path.relative_to(root)) not in _OWN]
        try:
            put = put_files(self.store, root, wanted, (root, *places), logs)
            document = self._document(workspace, result, put)
            blobs = sorted({str(document["model"]), *_digests(put)})
            self.store.write_entry(KIND, self.key, _NAME, document, blobs)
            self._keep_small()
        except NotReusableError as error:
            return str(error)
        except (StoreError, OSError) as error:
            _log.warning("the result of build %s can't be stored: %s", self.config.id, error)
            return str(error)
        return ""

    def _document(self, workspace: Workspace, result: BuildResult, files: list[JSONValue]) -> dict[str, JSONValue]:
        finished = result.end_time.isoformat() if result.end_time else ""
        return {
            "origin": {"build": result.config_id, "output_dir": str(workspace.root), "finished": finished},
            "config": self.config.to_dict(),
            "config_sha256": config_digest(self.config),
            "model": self.store.put_file(str(workspace.model)),
            "result": result.to_dict(),
            "files": files,
        }

    def _keep_small(self) -> None:
        """Keep the store within its limit; the files are counted now and then only."""
        if self.store.due_for_gc():
            self.store.gc(size_limit())


def _digests(files: list[JSONValue]) -> list[str]:
    return [str(item[1]) for item in files if isinstance(item, list)]
