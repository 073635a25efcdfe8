"""Many tasks at the same time don't harm each other."""

from __future__ import annotations

import resource
import signal
import threading
from concurrent.futures import as_completed
from typing import Any


def test_twenty_tasks_at_a_time_each_get_their_own_events_and_results(bench: Any) -> None:
    def one(number: int) -> tuple[int, list[int]]:
        events: list[Any] = []
        log = bench.folder / f"{number}.log"
        outcome = bench.worker.run("echo", {"events": number, "number": number}, log=log, on_event=events.append)
        assert log.read_text() == "echo speaks\n"
        return outcome.result["number"], [event["number"] for event in events]

    found = [future.result() for future in as_completed([bench.threads.submit(one, n) for n in range(60)])]
    assert sorted(found) == [(n, list(range(n))) for n in range(60)]


def test_tasks_go_on_unharmed_while_others_fail_in_every_way(bench: Any) -> None:
    stop = threading.Event()
    steady = [bench.begin("hang", stop=stop)[0] for _ in range(8)]
    log = bench.folder / "other.log"
    hostile = [
        bench.threads.submit(bench.worker.run, task, args, log=log, log_bytes=1000, timeout_s=30, memory_bytes=2**28)
        for task, args in (
            ("die", {"signal": signal.SIGSEGV}),
            ("leave_at_once", {"code": 1}),
            ("fail", {}),
            ("flood", {"kib": 10_000}),
            ("write_garbage", {}),
            ("eat", {"bytes": 2**32}),
            ("in_background", {}),
            ("use_up_descriptors", {}),
            ("event_flood", {"count": 1000, "bytes": 1000}),
        )
    ]
    outcomes = [future.result(timeout=60).outcome for future in hostile]
    assert outcomes == ["crash", "crash", "error", "ok", "ok", "memory", "ok", "error", "ok"]
    assert not any(future.done() for future in steady)
    stop.set()
    assert {future.result(timeout=60).outcome for future in steady} == {"stopped"}


def test_a_slow_listener_delays_only_its_own_task(bench: Any) -> None:
    release = threading.Event()
    slow = bench.threads.submit(
        bench.worker.run,
        "event_flood",
        {"count": 200, "bytes": 100_000},
        log=bench.log,
        on_event=lambda event: release.wait(60),
    )
    assert bench.worker.run("echo", {}, log=bench.folder / "beside.log").ok
    release.set()
    assert slow.result(timeout=60).ok


def test_a_worker_without_descriptors_refuses_tasks_and_lives_on(bench: Any) -> None:
    described = bench.worker.start()
    assert described
    (pid,) = bench.mark.processes()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (14, 14))
    stop = threading.Event()
    futures = [
        bench.threads.submit(bench.worker.run, "hang", {}, log=bench.folder / f"{n}.log", stop=stop, timeout_s=3)
        for n in range(20)
    ]
    outcomes = [future.result(timeout=60) for future in futures]
    assert {outcome.outcome for outcome in outcomes} == {"timeout", "error"}
    assert all("Too many open files" in outcome.error.message for outcome in outcomes if outcome.outcome == "error")
    assert bench.run("echo").ok
    assert list(bench.mark.processes()) == [pid]
