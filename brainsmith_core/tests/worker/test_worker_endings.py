"""However a task ends, or doesn't want to: none of its processes is left. `bench.run` checks that each time."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

MIB = 1024 * 1024


def names(outcome: Any) -> list[str]:
    return sorted(process.name for process in outcome.killed)


# --- stop and time limit


def test_the_time_limit_ends_a_task_and_leaves_its_stack_in_the_log(bench: Any) -> None:
    outcome = bench.run("hang", timeout_s=0.3)
    assert (outcome.outcome, outcome.error.type) == ("timeout", "Timeout")
    assert outcome.signal == signal.SIGTERM
    assert outcome.seconds >= 0.3
    assert "0.3 s" in outcome.error.message
    assert "in hang" in bench.text()


def test_a_time_limit_that_is_over_already_ends_the_task(bench: Any) -> None:
    assert bench.run("hang", timeout_s=-1).outcome == "timeout"


@pytest.mark.parametrize(
    "task", ["hang", "ignore_sigterm", "block_signals", "stop_own_group", "stop_supervisor", "spin"]
)
def test_a_task_is_stopped_whatever_it_does_about_it(bench: Any, task: str) -> None:
    stop = threading.Event()
    future, _ = bench.begin(task, stop=stop)
    stop.set()
    outcome = future.result(timeout=60)
    assert (outcome.outcome, outcome.error.type) == ("stopped", "Stopped")
    assert outcome.signal in (signal.SIGTERM, signal.SIGKILL)
    assert bench.run("echo").ok


def test_a_task_without_descriptors_is_stopped_too(bench: Any) -> None:
    stop = threading.Event()
    future, _ = bench.begin("close_all_descriptors", {"seconds": 600}, stop=stop)
    stop.set()
    assert future.result(timeout=60).outcome == "stopped"


def test_a_stop_that_is_set_before_stops_the_task(bench: Any) -> None:
    bench.worker.start()
    stop = threading.Event()
    stop.set()
    assert bench.run("hang", stop=stop).outcome == "stopped"


def test_stopping_ends_background_processes_and_names_them(bench: Any) -> None:
    stop = threading.Event()
    future, _ = bench.begin("in_background", {"hang": True}, stop=stop)
    stop.set()
    outcome = future.result(timeout=60)
    assert outcome.outcome == "stopped"
    # The middle one of the double fork may not have left yet.
    assert sorted(set(names(outcome))) == ["python", "sleep"]
    assert names(outcome).count("sleep") == 2
    assert len(bench.mark.processes()) == 1


def test_a_listener_that_raises_stops_the_task_first(bench: Any) -> None:
    def listener(event: dict[str, Any]) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        bench.run("hang", on_event=listener)
    assert len(bench.mark.processes()) == 1


# --- background processes


def test_background_processes_end_with_the_task_and_are_named(bench: Any) -> None:
    outcome = bench.run("in_background")
    assert outcome.ok
    assert names(outcome)[1:] == ["sleep", "sleep"]
    assert len(outcome.killed) == 3


def test_a_background_process_that_ignores_sigterm_is_killed(bench: Any) -> None:
    outcome = bench.run("deaf_background")
    assert outcome.ok
    assert "sh" in names(outcome)


def test_a_process_that_forks_and_leaves_again_and_again_is_caught(bench: Any) -> None:
    outcome = bench.run("respawn")
    assert outcome.ok
    assert outcome.killed


def test_processes_that_end_by_themselves_are_not_named(bench: Any) -> None:
    for task in ("zombies", "use_pool", "leave_thread"):
        outcome = bench.run(task)
        assert outcome.ok
        assert outcome.killed == ()


def test_orphans_that_end_do_not_stay_as_zombies(bench: Any) -> None:
    assert bench.run("count_processes").result == 0


# --- memory


def test_one_allocation_beyond_the_limit_ends_the_task(bench: Any) -> None:
    outcome = bench.run("eat", {"bytes": 4096 * MIB}, memory_bytes=200 * MIB)
    assert (outcome.outcome, outcome.error.type) == ("memory", "MemoryLimit")
    assert "209715200 bytes" in outcome.error.message
    assert "in eat" in outcome.error.traceback
    assert bench.run("eat", {"bytes": 50 * MIB}, memory_bytes=200 * MIB).ok


def test_running_out_of_memory_without_a_limit_says_so(bench: Any) -> None:
    outcome = bench.run("eat", {"bytes": 2**60})
    assert outcome.outcome == "memory"
    assert outcome.error.message == "there was no memory left"


def test_processes_that_are_too_big_only_together_are_ended(bench: Any) -> None:
    outcome = bench.run("eat_slowly", {"bytes": 60 * MIB, "processes": 3}, memory_bytes=150 * MIB)
    assert (outcome.outcome, outcome.error.type) == ("memory", "MemoryLimit")
    assert outcome.peak_rss_bytes > 150 * MIB
    assert len(outcome.killed) == 3


def test_memory_that_is_shared_with_the_worker_is_not_held_against_the_task(bench: Any) -> None:
    outcome = bench.run("share_ballast", {"seconds": 0.8}, memory_bytes=150 * MIB)
    assert outcome.ok
    assert outcome.peak_rss_bytes > 300 * MIB
