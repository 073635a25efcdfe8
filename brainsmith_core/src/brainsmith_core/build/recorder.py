"""Write down what happens in a build: events, log lines, and observers that can do it no harm."""

from __future__ import annotations

import json
import queue
import threading
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..events import BuildEvent
from ..formats.json_values import JSONValue

__all__ = ["BuildRecorder", "ObserverThread"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class BuildRecorder:
    """Records one build's events and log lines; appends, so that others may append to the same log.

    Args:
        build_id: the configuration's id.
        events: the events file.
        log: the log file.
        log_level: least severity that the log records.
        observers: called with each event; see `ObserverThread.post`.
    """

    def __init__(
        self,
        build_id: str,
        events: Path,
        log: Path,
        log_level: str = "INFO",
        observers: Iterable[Callable[[BuildEvent], None]] = (),
    ) -> None:
        self._build_id = build_id
        self._observers = list(observers)
        self._least = _LEVELS.index(log_level)
        self._lock = threading.Lock()
        self._events = events.open("ab", buffering=0)
        self._log = log.open("ab", buffering=0)

    def emit(self, kind: str, **data: JSONValue) -> None:
        """Record an event; it may come from any thread."""
        event = BuildEvent(kind=kind, build_id=self._build_id, data=data)
        line = json.dumps(event.to_dict(), ensure_ascii=False) + "\n"
        with self._lock:
            self._events.write(line.encode())
        for observer in list(self._observers):
            self._tell(observer, event)

    def _tell(self, observer: Callable[[BuildEvent], None], event: BuildEvent) -> None:
        try:
            observer(event)
        except Exception:  # noqa: BLE001 - foreign code: who listens (a closed pipe, say) can't harm the build
            self._observers.remove(observer)
            self.log(f"a listener to events raised and is left out:\n{traceback.format_exc()}", "WARNING")

    def log(self, text: str, level: str = "INFO") -> None:
        """Append a line to the build's log."""
        if _LEVELS.index(level) < self._least:
            return
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        with self._lock:
            self._log.write(f"{stamp} {level} {text}\n".encode(errors="replace"))

    def close(self) -> None:
        """Close the files."""
        self._events.close()
        self._log.close()


class ObserverThread:
    """Gives events to the observers of plugins, in a thread of its own, so that a slow or raising one harms nobody.

    Args:
        observers: pairs of a name for messages and the function to call.
        complain: called with a text when an observer raises or falls behind.
        capacity: events waiting before further ones are dropped.
    """

    def __init__(
        self,
        observers: Iterable[tuple[str, Callable[..., Any]]],
        complain: Callable[[str], None],
        capacity: int = 10_000,
    ) -> None:
        self._observers = list(observers)
        self._complain = complain
        self._waiting: queue.Queue[BuildEvent | None] = queue.Queue(capacity)
        self._dropped = 0
        self._broken: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="brainsmith-observers", daemon=True)
        self._thread.start()

    def post(self, event: BuildEvent) -> None:
        """Hand over an event without waiting; dropped, and counted, if the observers are too far behind."""
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._dropped += 1

    def close(self, timeout: float = 1.0) -> None:
        """Let the observers finish, for at most `timeout` seconds."""
        try:
            self._waiting.put(None, timeout=timeout)
        except queue.Full:
            self._dropped += self._waiting.qsize()
        self._thread.join(timeout)
        if self._thread.is_alive() or self._dropped:
            self._complain(f"observers of build events fell behind; {self._dropped} events were dropped")

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            for name, observe in self._observers:
                self._call(name, observe, event)

    def _call(self, name: str, observe: Callable[..., Any], event: BuildEvent) -> None:
        if name in self._broken:
            return
        try:
            observe(event=event)
        except Exception:  # noqa: BLE001 - foreign code: an observer can't harm the build
            self._broken.add(name)
            self._complain(f"the observer of plugin {name} raised and is left out:\n{traceback.format_exc()}")
