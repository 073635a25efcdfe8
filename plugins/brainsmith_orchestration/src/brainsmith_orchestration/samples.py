"""What running builds use, as `sample` events every few seconds: CPU, memory, disk, step, the log's last line."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.events import BuildEvent
from brainsmith_core.formats.json_values import JSONValue

from .live import read_last_line
from .process_use import Use, use_by_folder

__all__ = ["INTERVAL_SECONDS", "Sampler"]

#: Between two rounds.
INTERVAL_SECONDS: Final = 5.0
#: A round that takes long is followed by a longer pause, so that sampling stays below 1 % of a core.
_PAUSE_PER_WORK: Final = 100.0


@attrs.define
class _Sampled:
    """A build as the last round found it; totals are of each process tree that worked for it."""

    since: float
    step: str = ""
    cpu_seconds: dict[tuple[int, int], float] = attrs.field(factory=dict)
    written_bytes: dict[tuple[int, int], int] = attrs.field(factory=dict)


class Sampler:
    """Emits samples of running builds from a thread of its own, between entering and leaving it.

    A sample's data has `cpu_percent` (100 is one core) since the sample before, `memory_bytes` (shared pages are
    divided among their users) and `processes` of the trees below this process that work in the build's folder,
    `written_bytes` (what they wrote to disk so far), `disk_free_bytes`, `step` and `line` (the log's last). What isn't
    known is left out, such as the processes of a build on another machine.

    Args:
        running: gives the builds that run; called in the sampler's thread.
        emit: takes the events.
        interval: seconds between two rounds.
    """

    def __init__(
        self,
        running: Callable[[], Iterable[BuildConfig]],
        emit: Callable[[BuildEvent], None],
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._running, self._emit, self._interval = running, emit, interval
        self._known: dict[str, _Sampled] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="brainsmith-sampler", daemon=True)

    def note(self, event: BuildEvent) -> None:
        """Take in an event of a build; from any thread."""
        if event.kind not in ("build_started", "phase_started", "step_started"):
            return
        with self._lock:
            known = self._known.setdefault(event.build_id, _Sampled(time.monotonic()))
            known.step = str(event.data.get("step", ""))

    def sample(self) -> None:
        """Emit a sample of each build that runs."""
        configs = list(self._running())
        folders = {Path(config.output_dir).resolve(): config.id for config in configs}
        uses = use_by_folder(folders)
        with self._lock:
            names = set(folders.values())
            self._known = {name: known for name, known in self._known.items() if name in names}
        for folder, name in folders.items():
            self._emit(BuildEvent(kind="sample", build_id=name, data=self._data(name, folder, uses.get(folder, {}))))

    def _data(self, name: str, folder: Path, uses: dict[tuple[int, int], Use]) -> dict[str, JSONValue]:
        now = time.monotonic()
        with self._lock:
            known = self._known.setdefault(name, _Sampled(now))
            step, seconds, known.since = known.step, now - known.since, now
        data: dict[str, JSONValue] = {"step": step} if step else {}
        if uses:
            used = sum(max(0.0, use.cpu_seconds - known.cpu_seconds.get(root, 0.0)) for root, use in uses.items())
            known.cpu_seconds.update((root, use.cpu_seconds) for root, use in uses.items())
            known.written_bytes.update((root, use.written_bytes) for root, use in uses.items())
            if seconds > 0:
                data["cpu_percent"] = round(100 * used / seconds, 1)
            data["memory_bytes"] = sum(use.memory_bytes for use in uses.values())
            data["processes"] = sum(use.processes for use in uses.values())
        if known.written_bytes:
            data["written_bytes"] = sum(known.written_bytes.values())
        with contextlib.suppress(OSError):  # the folder isn't there (yet), or not on this machine
            data["disk_free_bytes"] = shutil.disk_usage(folder).free
        line = read_last_line(folder / "build.log")
        return data | ({"line": line} if line else {})

    def _work(self) -> None:
        pause = self._interval
        while not self._over.wait(pause):
            began = time.thread_time()
            self.sample()
            pause = max(self._interval, _PAUSE_PER_WORK * (time.thread_time() - began))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
