from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BuildCancelledError
from brainsmith_core.events import BuildEvent
from brainsmith_core.result import BuildStatus
from brainsmith_orchestration.controller import Controller

MakeConfig = Callable[..., BuildConfig]


def interrupt() -> None:
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGINT)


class Interrupter:
    """Sends this process Ctrl-C once builds have begun, and does something when that is announced."""

    def __init__(self, held: Any, **acts: Callable[[], object]) -> None:
        self._held, self._acts = held, acts
        self.kinds: list[str] = []
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        self._held.wait_begun(2)
        interrupt()

    def note(self, event: BuildEvent) -> None:
        if event.kind.startswith("run_"):
            self.kinds.append(event.kind)
            self._acts.get(event.kind, lambda: None)()


def test_at_the_first_ctrl_c_running_builds_finish_and_nothing_new_starts(make_config: MakeConfig, held: Any) -> None:
    user = Interrupter(held, run_draining=held.release)
    found = list[BuildStatus]()
    with (
        Controller(held, 2, on_event=user.note) as controller,
        pytest.raises(BuildCancelledError, match="interrupted by SIGINT: no running build was stopped"),
    ):
        found.extend(result.status for result in controller.run([make_config(n) for n in range(5)]))
    assert found == [BuildStatus.SUCCESS] * 2
    assert sorted(held.begun) == ["0", "1"]
    assert user.kinds == ["run_draining"]


def test_at_the_second_ctrl_c_running_builds_are_stopped(make_config: MakeConfig, held: Any) -> None:
    user = Interrupter(held, run_draining=interrupt)
    found = list[BuildStatus]()
    with (
        Controller(held, 2, on_event=user.note) as controller,
        pytest.raises(BuildCancelledError, match="2 running builds were stopped"),
    ):
        found.extend(result.status for result in controller.run([make_config(n) for n in range(5)]))
    assert len(held.begun) == 2
    assert user.kinds == ["run_draining", "run_stopping"]


def test_a_controller_that_does_not_drain_stops_at_the_first_ctrl_c(make_config: MakeConfig, held: Any) -> None:
    user = Interrupter(held)
    with (
        Controller(held, 2, on_event=user.note, drains=False) as controller,
        pytest.raises(BuildCancelledError, match="2 running builds were stopped"),
    ):
        list(controller.run([make_config(n) for n in range(5)]))
    assert user.kinds == ["run_stopping"]


def test_the_end_of_the_time_stops_builds_while_they_drain(make_config: MakeConfig, held: Any) -> None:
    user = Interrupter(held)
    with (
        Controller(held, 2, on_event=user.note, timeout_minutes=0.02) as controller,
        pytest.raises(BuildCancelledError, match="2 running builds were stopped"),
    ):
        list(controller.run([make_config(n) for n in range(5)]))
    assert user.kinds == ["run_draining", "run_stopping"]
