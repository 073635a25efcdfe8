"""Build some of the stored builds again, from nothing, and compare what they give, byte for byte."""

from __future__ import annotations

import fnmatch
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import attrs

from ...config import BuildConfig
from ...errors import BrainsmithError
from ...formats.json_values import JSONValue
from ...formats.serialization import to_data
from ...plugins.manager import PluginManager
from ...result import BuildResult
from ...store import ContentStore, DamagedEntry, Entry
from ..runner import BuildRunner, create_build_runner_factory
from .build_cache import KIND
from .build_key import build_key
from .folder_files import restore_files

__all__ = ["Verified", "verify_builds"]

#: They tell what happened, and when.
_LOGS = (
    "build.log",
    "preprocessing_logs/*.log",
    "postprocessing_logs/*.log",
    "events.jsonl",
    "config.json",
    "result.json",
)
#: Figures of the run itself.
_OF_THE_RUN = ("build.", "prov.config_sha256")


@attrs.frozen(kw_only=True)
class Verified:
    """What came of one comparison.

    Args:
        build: the id of the build.
        origin: the folder that the stored result is from.
        state: `same`, `different`, or `skipped`.
        message: why it was skipped, or what differs.
        differs: files that aren't the same, or are there once only.
        files: how many files were compared.
        seconds: how long the build took now.
    """

    build: str
    origin: str
    state: Literal["same", "different", "skipped"]
    message: str = ""
    differs: tuple[str, ...] = ()
    files: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data."""
        return to_data(self)


def verify_builds(
    store: ContentStore, plugins: PluginManager, count: int, seed: int | None = None
) -> Iterator[Verified]:
    """Build a sample of the stored builds again, reusing nothing, and say of each whether it gives the same.

    Logs, times and what a backend calls `volatile_files` aren't compared.

    Args:
        store: where they are.
        plugins: what builds them.
        count: how many to build; those that can't be compared don't count.
        seed: chooses the sample; None for another one each time.
    """
    entries = list(store.all_entries(KIND))
    random.Random(seed).shuffle(entries)  # noqa: S311 - a sample, no secret
    left = count
    for entry in entries:
        if left == 0:
            return
        verified = _verify(store, plugins, entry)
        left -= verified.state != "skipped"
        yield verified


def _verify(store: ContentStore, plugins: PluginManager, entry: Entry) -> Verified:
    origin = entry.document["origin"]
    with tempfile.TemporaryDirectory(prefix="brainsmith-verify-") as name:
        stored, fresh = Path(name, "stored"), Path(name, "fresh")
        try:
            stored.mkdir()
            restore_files(store, stored, entry.document["files"])
            model = Path(name, "model.onnx")
            store.restore(entry.document["model"], str(model))
            config = _config(entry, model, fresh)
            backend = str(entry.document["result"]["backend"])
            runner = create_build_runner_factory(backend, plugins)()
            if build_key(config, runner.backend, runner.offer.record, plugins) != entry.group:
                message = (
                    "its code, its environment or a file that it names has changed since: it isn't reused any more"
                )
                return Verified(build=origin["build"], origin=origin["output_dir"], state="skipped", message=message)
            result = runner.run(config)
        except (BrainsmithError, DamagedEntry, OSError) as error:
            return Verified(build=origin["build"], origin=origin["output_dir"], state="skipped", message=str(error))
        return _compared(origin, runner, result, stored, fresh)


def _config(entry: Entry, model: Path, folder: Path) -> BuildConfig:
    config = BuildConfig.from_dict(entry.document["config"], entry.path)
    settings = attrs.evolve(config.global_config, cache_results=False)
    return attrs.evolve(config, model_path=str(model), output_dir=str(folder), global_config=settings)


def _compared(origin: dict[str, str], runner: BuildRunner, result: BuildResult, stored: Path, fresh: Path) -> Verified:
    patterns = (*_LOGS, *getattr(runner.backend, "volatile_files", ()))
    one, other = _files(stored, patterns), _files(fresh, patterns)
    differs = sorted(name for name in one.keys() | other.keys() if not _same(one.get(name), other.get(name), patterns))
    if not result.succeeded:
        message = f"it fails now: {result.error_message}"
    elif differs:
        message = f"{len(differs)} files differ, such as {differs[0]}"
    else:
        message = ""
    return Verified(
        build=origin["build"],
        origin=origin["output_dir"],
        state="different" if message else "same",
        message=message,
        differs=tuple(differs),
        files=len(one),
        seconds=round(result.duration_seconds, 3),
    )


def _files(folder: Path, patterns: Sequence[str]) -> dict[str, Path]:
    names = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    names.pop("model.onnx", None)  # the input, which is the same by the key
    return {name: path for name, path in names.items() if not _matches(name, patterns)}


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _same(one: Path | None, other: Path | None, patterns: Sequence[str]) -> bool:
    if one is None or other is None:
        return False
    data, other_data = one.read_bytes(), other.read_bytes()
    if one.name == "metrics.json" and data != other_data:
        return _lasting(json.loads(data), patterns) == _lasting(json.loads(other_data), patterns)
    return data == other_data


def _lasting(document: dict[str, list[dict[str, JSONValue]]], patterns: Sequence[str]) -> list[JSONValue]:
    """Return the metrics, and the files that they are from, without those of the run itself."""
    found: list[JSONValue] = []
    for metric in document["metrics"]:
        source = metric["source"]
        assert isinstance(source, dict)
        volatile = _matches(str(source.get("file") or ""), patterns)
        if not volatile and not str(metric["name"]).startswith(_OF_THE_RUN):
            found.append(metric)
    return [*found, *(file for file in document["files"] if not _matches(str(file["file"]), patterns))]
