from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_orchestration.controller import Controller

MakeConfig = Callable[..., BuildConfig]
Held = Any
Plain = Callable[[Callable[[BuildConfig], Any]], RunnerFactory]


def in_background(action: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def test_every_configuration_gives_one_result(make_config: MakeConfig) -> None:
    with Controller(create_build_runner_factory("future_brainsmith"), parallel=3) as controller:
        results = list(controller.run(make_config(n) for n in range(10)))
    assert sorted(result.config_id for result in results) == [str(n) for n in range(10)]
    assert all(result.succeeded and not result.cached for result in results)


def test_results_come_as_builds_finish(make_config: MakeConfig, held: Held) -> None:
    with Controller(held, parallel=2) as controller:
        results = controller.run([make_config("slow"), make_config("quick")])
        held.release("quick")
        assert next(results).config_id == "quick"
        held.release("slow")
        assert next(results).config_id == "slow"
        assert list(results) == []


@pytest.mark.parametrize("parallel", [1, 2, 5])
def test_no_more_builds_run_at_once_than_asked_for(make_config: MakeConfig, parallel: int, held: Held) -> None:

    def let_go() -> None:
        held.wait_begun(parallel)
        held.release()

    in_background(let_go)
    with Controller(held, parallel=parallel) as controller:
        assert len(list(controller.run(make_config(n) for n in range(12)))) == 12
    assert held.most_at_once == parallel


def test_the_source_is_asked_only_when_a_build_may_start_and_all_results_are_known(
    make_config: MakeConfig, plain: Plain
) -> None:
    known: list[str] = []
    known_when_asked: list[list[str]] = []

    def source() -> Iterator[BuildConfig]:
        for number in range(4):
            known_when_asked.append(list(known))
            yield make_config(number)

    with Controller(plain(lambda _: None), parallel=1) as controller:
        for result in controller.run(source()):
            known.append(result.config_id)  # noqa: PERF401 - the source looks at them meanwhile
    assert known_when_asked == [[], ["0"], ["0", "1"], ["0", "1", "2"]]


def test_a_source_with_nothing_to_say_is_asked_again_after_a_result(make_config: MakeConfig, plain: Plain) -> None:
    results: list[BuildResult] = []

    def source() -> Iterator[BuildConfig | None]:
        yield make_config("first")
        while not results:
            yield None
        yield make_config("second")

    with Controller(plain(lambda _: None), parallel=2) as controller:
        for result in controller.run(source()):
            results.append(result)  # noqa: PERF402 - the source looks at them meanwhile
    assert [result.config_id for result in results] == ["first", "second"]


def test_a_source_that_has_nothing_while_nothing_runs_is_an_error(plain: Plain) -> None:
    with (
        Controller(plain(lambda _: None)) as controller,
        pytest.raises(RuntimeError, match="nothing to start"),
    ):
        list(controller.run([None]))


def test_a_source_that_raises_ends_the_run_and_stops_what_runs(make_config: MakeConfig, held: Held) -> None:

    def source() -> Iterator[BuildConfig]:
        yield make_config("a")
        held.wait_begun(1)
        raise ZeroDivisionError

    with Controller(held, parallel=2) as controller, pytest.raises(ZeroDivisionError):
        list(controller.run(source()))
    assert controller.over == ""


def test_leaving_the_loop_stops_what_runs(make_config: MakeConfig, held: Held) -> None:
    held.release("a")
    with Controller(held, parallel=2) as controller:
        results = controller.run([make_config("a"), make_config("b")])
        assert next(results).config_id == "a"
        results.close()  # type: ignore[attr-defined]  # a generator has it
        assert sorted(held.begun) == ["a", "b"]
        held.release("c")
        assert [result.config_id for result in controller.run([make_config("c")])] == ["c"]


def test_a_controller_does_one_run_at_a_time(make_config: MakeConfig, plain: Plain) -> None:
    with Controller(plain(lambda _: None)) as controller:
        first = controller.run([make_config("a"), make_config("b")])
        next(first)
        with pytest.raises(RuntimeError, match="running already"):
            next(controller.run([make_config("c")]))
        assert len(list(first)) == 1


@pytest.mark.parametrize(
    ("error", "category", "text"),
    [
        (ConfigurationError("no such board", hint="try another"), "configuration", "no such board"),
        (MissingRequirementError("no FINN"), "environment", "no FINN"),
        (ZeroDivisionError("by zero"), "unknown", "ZeroDivisionError: by zero"),
        (SystemExit(3), "unknown", "SystemExit: 3"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk", "No space left"),
        (OSError(errno.EIO, "bad disk"), "unknown", "bad disk"),
        (MemoryError(), "memory", "MemoryError"),
    ],
)
def test_a_runner_that_raises_fails_its_own_build_only(
    make_config: MakeConfig, error: BaseException, category: str, text: str, plain: Plain
) -> None:
    def act(config: BuildConfig) -> None:
        if config.id == "bad":
            raise error

    with Controller(plain(act), parallel=2) as controller:
        results = {r.config_id: r for r in controller.run(make_config(n) for n in ("good", "bad", "fine"))}
    assert results["good"].succeeded
    assert results["fine"].succeeded
    bad = results["bad"]
    assert (bad.status, bad.error.category if bad.error else "") == (BuildStatus.FAILED, category)
    assert text in (bad.error_message or "")


def test_the_traceback_of_an_unexpected_error_is_kept(make_config: MakeConfig, plain: Plain) -> None:
    def act(config: BuildConfig) -> None:
        raise ZeroDivisionError

    with Controller(plain(act)) as controller:
        (result,) = controller.run([make_config()])
    assert result.error is not None
    assert "in act" in result.error.traceback


def test_a_runner_that_gives_no_result_fails_its_build(make_config: MakeConfig, plain: Plain) -> None:
    with Controller(plain(lambda _: "done")) as controller:
        (result,) = controller.run([make_config()])
    assert result.status is BuildStatus.FAILED
    assert "gave 'done', but a runner gives a BuildResult" in (result.error_message or "")


def test_a_missing_model_fails_its_own_build_only(make_config: MakeConfig, tmp_path: Path) -> None:
    configs = [make_config("a", model_path=str(tmp_path / "gone.onnx")), make_config("b")]
    with Controller(create_build_runner_factory("future_brainsmith"), parallel=2) as controller:
        results = {result.config_id: result for result in controller.run(configs)}
    assert results["a"].status is BuildStatus.FAILED
    assert results["a"].error is not None
    assert results["a"].error.category == "model_load"
    assert results["b"].succeeded


def test_when_the_time_is_over_running_builds_are_stopped_and_the_rest_is_skipped(
    make_config: MakeConfig, held: Held
) -> None:
    with Controller(held, parallel=1, timeout_minutes=0.001) as controller:
        results = list(controller.run(make_config(n) for n in range(3)))
    assert [result.status for result in results] == [
        BuildStatus.CANCELLED,
        BuildStatus.SKIPPED,
        BuildStatus.SKIPPED,
    ]
    assert held.begun == ["0"]
    assert results[0].error_message == "the time of 0.001 min is over"
    assert results[1].error_message == "not started: the time of 0.001 min is over"


def test_a_source_without_end_can_see_that_the_run_is_over(make_config: MakeConfig, plain: Plain) -> None:
    def source() -> Iterator[BuildConfig]:
        number = 0
        while not controller.over:
            yield make_config(number)
            number += 1

    with Controller(plain(lambda _: None), timeout_minutes=0.002) as controller:
        results = list(controller.run(source()))
    assert results
    assert all(result.succeeded for result in results[:-1])


def test_time_that_is_not_used_up_changes_nothing(make_config: MakeConfig, plain: Plain) -> None:
    with Controller(plain(lambda _: None), timeout_minutes=60) as controller:
        assert all(result.succeeded for result in controller.run(make_config(n) for n in range(3)))


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_time_that_cannot_be_is_refused(minutes: float, held: Held) -> None:
    with pytest.raises(ConfigurationError, match="timeout_minutes"):
        Controller(held, timeout_minutes=minutes)


def test_a_number_of_parallel_builds_below_one_is_refused(held: Held) -> None:
    with pytest.raises(ConfigurationError, match="parallel is 0"):
        Controller(held, parallel=0)


def test_one_running_build_can_be_cancelled(make_config: MakeConfig, held: Held) -> None:
    with Controller(held, parallel=2) as controller:
        results = controller.run([make_config("a"), make_config("b")])

        def cancel() -> None:
            held.wait_begun(2)
            assert controller.cancel("a", "not wanted")
            assert not controller.cancel("z")

        thread = in_background(cancel)
        first = next(results)
        assert (first.config_id, first.status, first.error_message) == ("a", BuildStatus.CANCELLED, "not wanted")
        thread.join()
        held.release()
        assert next(results).succeeded
    assert not controller.cancel("b")


def test_a_run_can_be_stopped_from_another_thread(make_config: MakeConfig, held: Held) -> None:
    events: list[BuildEvent] = []

    def stop() -> None:
        held.wait_begun(2)
        controller.stop("enough")

    with Controller(held, parallel=2, on_event=events.append) as controller:
        in_background(stop)
        results = list(controller.run(make_config(n) for n in range(9)))
    assert [result.status for result in results] == [BuildStatus.CANCELLED] * 2
    stopping = [event.data for event in events if event.kind == "run_stopping"]
    assert stopping == [{"reason": "enough", "running": 2}]


def test_stopping_when_nothing_runs_does_nothing(held: Held) -> None:
    with Controller(held) as controller:
        controller.stop()
        controller.wake()
        assert controller.over == ""


def test_events_of_the_builds_are_passed_on(make_config: MakeConfig) -> None:
    events: list[BuildEvent] = []
    factory = create_build_runner_factory("future_brainsmith")
    with Controller(factory, on_event=events.append) as controller:
        list(controller.run([make_config("a")]))
    assert events[0].kind == "build_started"
    assert {event.build_id for event in events} == {"a"}


def test_an_observer_that_raises_is_left_out_and_harms_no_build(
    make_config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[BuildEvent] = []

    def observe(event: BuildEvent) -> None:
        calls.append(event)
        raise ZeroDivisionError

    factory = create_build_runner_factory("future_brainsmith")
    with caplog.at_level(logging.WARNING), Controller(factory, on_event=observe) as controller:
        results = list(controller.run([make_config("a"), make_config("b")]))
    assert all(result.succeeded for result in results)
    assert len(calls) == 1
    assert "is left out" in caplog.text


def test_a_stop_between_two_builds_also_stops_what_starts_at_that_moment(make_config: MakeConfig, held: Held) -> None:

    def source() -> Iterator[BuildConfig]:
        controller.stop("late")
        yield make_config("a")

    with Controller(held) as controller:
        (result,) = controller.run(source())
    assert result.status is BuildStatus.CANCELLED
