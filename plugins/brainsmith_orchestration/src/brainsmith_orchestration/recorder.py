"""Write what a controller does into the store, from a thread of its own, many things in one transaction.

Builds never wait for the store but when it is far behind, and go on if it fails: each build's `result.json` is the
truth, and what the store lacks is put right when the next controller starts.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import attrs
from sqlalchemy import select, update

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError
from brainsmith_core.events import BuildEvent
from brainsmith_core.result import BuildResult, BuildStatus

from .live import LiveBuild
from .store.build_record import BuildRecord, attempt_id, build_id, complete
from .store.database import Store
from .store.orders import Order, obey_orders
from .store.recording import write_records
from .store.sessions import close_session, open_session, reconcile, touch_session
from .store.tables import attempts, builds

__all__ = ["Recorder"]

_log = logging.getLogger("brainsmith")

#: Between two looks at what others ask for, and two notes of how far builds are.
TICK_SECONDS: Final = 1.0
#: Notes of one transaction.
_BATCH = 200
#: Notes that wait before a build has to wait, too.
_CAPACITY = 400
_TOUCH_TICKS = 60


@attrs.frozen
class _Note:
    """A start (without a result) or an end."""

    config: BuildConfig
    result: BuildResult | None = None
    events: tuple[BuildEvent, ...] = ()


class Recorder:
    """Keeps the store up to date while a controller works.

    Args:
        location: the store's path or URL.
        folder: where the controller builds; None for anywhere.
        on_order: called with what other processes ask of builds, from the recorder's thread.

    Raises:
        BrainsmithError: on entering, if the store can't be used; see `Store`.
    """

    def __init__(
        self, location: str, folder: Path | None = None, on_order: Callable[[Order], bool] | None = None
    ) -> None:
        self.store = Store(location)
        self.session = ""
        self._folder, self._on_order = folder, on_order
        self._notes: queue.Queue[_Note | None] = queue.Queue(_CAPACITY)
        self._waiting: list[_Note] = []
        self._live: dict[str, LiveBuild] = {}
        self._lock = threading.Lock()
        self._failing = False
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="brainsmith-recorder", daemon=True)

    def __enter__(self) -> Self:
        try:
            reconcile(self.store)
            with self.store.writing() as connection:
                self.session = open_session(connection, str(self._folder.absolute()) if self._folder else "")
        except BaseException:
            self.store.close()
            raise
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._notes.put(None)
        self._thread.join()
        self.store.close()

    def started(self, config: BuildConfig) -> None:
        """Note that a build starts; from any thread, as all of these."""
        with self._lock:
            self._live[config.id] = LiveBuild(build_id(config), Path(config.output_dir))
        self._notes.put(_Note(config))

    def event(self, event: BuildEvent) -> None:
        """Note what happens in a build."""
        with self._lock:
            live = self._live.get(event.build_id)
            if live is not None:
                live.note(event)

    def finished(self, config: BuildConfig, result: BuildResult) -> None:
        """Note the result of a build; one that was never started isn't noted."""
        with self._lock:
            live = self._live.pop(config.id, None)
        if result.status is not BuildStatus.SKIPPED:
            self._notes.put(_Note(config, result, tuple(live.events) if live else ()))

    # --- in the recorder's thread

    def _work(self) -> None:
        ticks = 0
        while not self._closing:
            self._gather()
            ticks += 1
            self._contained(self._write)
            self._contained(self._look_around)
            if ticks % _TOUCH_TICKS == 0:
                self._contained(self._touch)
        self._contained(self._close)
        if self._waiting:
            _log.warning("%d results aren't stored yet: the next run stores them", len(self._waiting))

    def _gather(self) -> None:
        """Wait until there is enough to write, for one tick at most."""
        try:
            note = self._notes.get(timeout=TICK_SECONDS)
            while True:
                if note is None:
                    self._closing = True
                    return
                self._waiting.append(note)
                if len(self._waiting) >= _BATCH:
                    return
                note = self._notes.get(timeout=TICK_SECONDS / 5)
        except queue.Empty:
            return

    def _contained(self, act: Callable[[], None]) -> None:
        """Call something that the store may refuse; that is said once, and tried again at the next tick."""
        try:
            act()
        except BrainsmithError as error:
            if not self._failing:
                _log.warning("the store is behind, builds go on: %s", error)
            self._failing = True
        except Exception:  # noqa: BLE001 - a fault of ours must not keep the builds' results from being made
            _log.warning("the store is left behind, builds go on", exc_info=True)
            self._waiting.clear()
        else:
            self._failing = False

    def _write(self) -> None:
        if not self._waiting:
            return
        ends = [note for note in self._waiting if note.result is not None]
        ended = {id(note): attempt_id(build_id(note.config), note.result) for note in ends if note.result}
        known = self._known([ended[id(note)] for note in ends if note.result and note.result.cached])
        gone = {build_id(note.config) for note in ends}
        starts = [note for note in self._waiting if note.result is None and build_id(note.config) not in gone]
        records = [BuildRecord(config=note.config, session=self.session) for note in starts]
        records += [self._record(note) for note in ends if ended[id(note)] not in known]
        with self.store.writing() as connection:
            write_records(connection, records)
        self._waiting.clear()

    def _record(self, note: _Note) -> BuildRecord:
        record = BuildRecord(config=note.config, result=note.result, events=note.events)
        try:
            return complete(record)
        except (BrainsmithError, OSError) as error:
            _log.warning("the metrics of build %s can't be stored: %s", note.config.id, error)
            return record

    def _known(self, ids: list[str]) -> set[str]:
        if not ids:
            return set()
        with self.store.reading() as connection:
            return set(connection.execute(select(attempts.c.id).where(attempts.c.id.in_(ids))).scalars())

    def _look_around(self) -> None:
        with self._lock:
            for live in self._live.values():
                if live.folder is not None:
                    live.look(live.folder / "build.log")
            changed = [live for live in self._live.values() if live.changed]
            rows: list[tuple[str, dict[str, Any]]] = [(live.id, live.to_dict()) for live in changed]
        if rows:
            with self.store.writing() as connection:
                for key, data in rows:
                    mine = (builds.c.id == key, builds.c.session == self.session)
                    connection.execute(update(builds).where(*mine).values(live=data))
        if self._on_order is not None:
            obey_orders(self.store, self._on_order)

    def _touch(self) -> None:
        with self.store.writing() as connection:
            touch_session(connection, self.session)

    def _close(self) -> None:
        with self.store.writing() as connection:
            close_session(connection, self.session)
