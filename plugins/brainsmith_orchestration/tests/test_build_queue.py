from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport
from brainsmith_orchestration.build_queue import IntelligentBuildQueue
from brainsmith_orchestration.queue_store import QueueStore
from brainsmith_orchestration.scheduling.job import Job
from brainsmith_orchestration.scheduling.request import PRIORITIES, BuildRequest
from brainsmith_orchestration.scheduling.resources import ResourcePool
from brainsmith_orchestration.scheduling.retries import DEFAULT_RULES, RetryPolicy, RetryRule, failure_class
from brainsmith_orchestration.store.database import Store
from brainsmith_orchestration.store.jobs import find_job, list_jobs
from brainsmith_orchestration.store.tables import leases, sessions

AGEING = 100.0
MACHINE = {"cores": 4.0, "memory_gb": 16.0, "vivado": 2.0}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 10_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_queue(clock: Clock, **options: Any) -> IntelligentBuildQueue:
    policy = RetryPolicy(dice=random.Random(1))
    return IntelligentBuildQueue(MACHINE, clock=clock, ageing_seconds=AGEING, policy=policy, **options)


@pytest.fixture
def queue(clock: Clock) -> IntelligentBuildQueue:
    return make_queue(clock)


def request(name: object, exploration: str = "", **needs: Any) -> BuildRequest:
    config = BuildConfig(id=str(name), model_path="m", output_dir=f"/o/{name}", design_space_id=exploration)
    return BuildRequest(config=config, **needs)


def result(job: Job, category: str = "", status: BuildStatus = BuildStatus.FAILED, **more: Any) -> BuildResult:
    made = BuildResult(config_id=job.name, status=status, output_dir=job.request.config.output_dir)
    if category:
        made.error = ErrorReport(category=category, message="x", **more)
        made.error_message = "x"
    elif status is BuildStatus.FAILED:
        made.status = BuildStatus.SUCCESS
    return made


def drain(queue: IntelligentBuildQueue, slots: int = 1) -> list[str]:
    """Run everything that is there, so many at once, and return the order of starts."""
    order = []
    while started := queue.schedule_next_builds({"slots": slots}):
        order += [job.name for job in started]
        for job in started:
            queue.finish_build(result(job))
    return order


# --- order


def test_urgent_builds_go_first_and_equals_in_order_of_arrival(queue: IntelligentBuildQueue) -> None:
    for name, priority in (("a", "low"), ("b", "normal"), ("c", "critical"), ("d", "normal"), ("e", "high")):
        queue.enqueue_build(request(name), priority)
    assert len(queue) == 5
    assert drain(queue) == ["c", "e", "b", "d", "a"]
    assert queue.is_done()


def test_builds_that_wait_grow_more_urgent(queue: IntelligentBuildQueue, clock: Clock) -> None:
    queue.enqueue_build(request("old"), "low")
    clock.now += 3.5 * AGEING
    queue.enqueue_build(request("new"), "critical")
    queue.enqueue_build(request("newer"), "high")
    assert drain(queue) == ["old", "new", "newer"]


def test_a_clock_that_jumps_back_does_not_favour_newcomers(queue: IntelligentBuildQueue, clock: Clock) -> None:
    queue.enqueue_build(request("first"))
    clock.now -= 1e6
    queue.enqueue_build(request("second"))
    assert drain(queue) == ["first", "second"]


def test_the_longest_goes_first_of_equals(queue: IntelligentBuildQueue) -> None:
    for name, seconds in (("short", 1), ("long", 50), ("middle", 7)):
        queue.enqueue_build(request(name, expected_seconds=float(seconds)))
    assert drain(queue) == ["long", "middle", "short"]


def test_explorations_take_turns(queue: IntelligentBuildQueue) -> None:
    for n in range(4):
        queue.enqueue_build(request(f"big{n}", "big"))
    for n in range(2):
        queue.enqueue_build(request(f"small{n}", "small"))
    assert drain(queue) == ["big0", "small0", "big1", "small1", "big2", "big3"]


def test_an_exploration_that_takes_longer_gets_fewer_turns(queue: IntelligentBuildQueue) -> None:
    for n in range(2):
        queue.enqueue_build(request(f"slow{n}", "slow", expected_seconds=30.0))
    for n in range(4):
        queue.enqueue_build(request(f"quick{n}", "quick", expected_seconds=10.0))
    assert drain(queue) == ["slow0", "quick0", "quick1", "quick2", "slow1", "quick3"]


needs = st.fixed_dictionaries(
    {
        "cores": st.sampled_from([0.5, 1.0, 4.0]),
        "memory_gb": st.sampled_from([0.0, 8.0]),
        "tokens": st.sampled_from([{}, {"vivado": 1}, {"vivado": 2}]),
        "expected_seconds": st.sampled_from([0.0, 5.0, 60.0]),
    }
)
arrivals = st.lists(
    st.tuples(st.sampled_from(PRIORITIES), st.sampled_from(["x", "y", ""]), needs, st.floats(0, 2 * AGEING)),
    max_size=12,
)


def expected_next(waiting: list[Job], given_so_far: dict[str, float], used: list[Job], now: float) -> Job | None:
    """What the documentation says, by looking at all builds anew: an independent check of the heaps."""
    free = {name: total - sum(job.request.demands().get(name, 0.0) for job in used) for name, total in MACHINE.items()}
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in waiting:
        groups.setdefault((job.exploration, repr(sorted(job.request.demands().items()))), []).append(job)

    def rank(job: Job) -> tuple[float, ...]:
        level = PRIORITIES.index(job.priority) + job.enqueued // AGEING
        return level, given_so_far[job.exploration], -job.expected, job.arrival

    for job in sorted((min(group, key=rank) for group in groups.values()), key=rank):
        if all(amount <= free[name] + 1e-9 for name, amount in job.request.demands().items()):
            return job
        if now - job.enqueued > AGEING:
            for name, amount in job.request.demands().items():
                free[name] -= amount
    return None


@settings(max_examples=60)
@given(arrivals, st.randoms(use_true_random=False))
def test_the_order_is_that_of_an_independent_check(found: list[Any], dice: random.Random) -> None:
    clock = Clock()
    queue = make_queue(clock)
    waiting: list[Job] = []
    running: list[Job] = []
    given_so_far: dict[str, float] = {}
    for number, (priority, exploration, what, later) in enumerate(found):
        clock.now += later
        waiting.append(queue.get(queue.enqueue_build(request(number, exploration, **what), priority)))
        given_so_far.setdefault(exploration, min(given_so_far.values(), default=0.0))
    while waiting or running:
        started = queue.schedule_next_builds({"slots": 1})
        wanted = expected_next(waiting, given_so_far, running, clock.now)
        assert [job.name for job in started] == ([wanted.name] if wanted else [])
        if wanted:
            waiting.remove(wanted)
            running.append(wanted)
            given_so_far[wanted.exploration] += max(wanted.expected, 1.0)
        else:
            ended = running.pop(dice.randrange(len(running)))
            queue.finish_build(result(ended))
            clock.now += 10.0
    assert queue.pool.free() == MACHINE


# --- resources


def test_all_that_a_build_needs_is_taken_or_nothing(queue: IntelligentBuildQueue) -> None:
    queue.enqueue_build(request("a", cores=3, tokens={"vivado": 1}))
    queue.enqueue_build(request("b", cores=2, tokens={"vivado": 1}))
    queue.enqueue_build(request("c", tokens={"vivado": 1}))
    started = queue.schedule_next_builds()
    assert [job.name for job in started] == ["a", "c"]
    assert queue.pool.free() == {"cores": 0.0, "memory_gb": 16.0, "vivado": 0.0}
    queue.finish_build(result(started[0]))
    assert [job.name for job in queue.schedule_next_builds()] == ["b"]


def test_a_build_that_needs_much_is_not_passed_over_for_ever(queue: IntelligentBuildQueue, clock: Clock) -> None:
    queue.enqueue_build(request("running"))
    running = queue.schedule_next_builds()
    queue.enqueue_build(request("big", cores=4))
    queue.enqueue_build(request("small"))
    assert [job.name for job in queue.schedule_next_builds({"slots": 1})] == ["small"]
    queue.enqueue_build(request("small2"))
    queue.enqueue_build(request("no cores", cores=0, tokens={"vivado": 1}))
    clock.now += AGEING + 1
    assert [job.name for job in queue.schedule_next_builds()] == ["no cores"]
    for job in (*running, queue.jobs()[2]):
        queue.finish_build(result(job))
    assert [job.name for job in queue.schedule_next_builds()] == ["big"]


def test_limits_of_a_call_are_kept(queue: IntelligentBuildQueue) -> None:
    for n in range(4):
        queue.enqueue_build(request(n))
    assert len(queue.schedule_next_builds({"cores": 3})) == 3
    assert len(queue.schedule_next_builds({"cores": 0})) == 0


@pytest.mark.parametrize(
    ("needs", "match"),
    [
        ({"tokens": {"vivadoo": 1}}, 'did you mean "vivado"'),
        ({"tokens": {"vivado": 3}}, "needs 3 of vivado, but there is 2"),
        ({"memory_gb": 64.0}, "needs 64 of memory_gb, but there is 16"),
    ],
)
def test_what_can_never_be_had_is_refused_at_once(
    queue: IntelligentBuildQueue, needs: dict[str, Any], match: str
) -> None:
    with pytest.raises(ConfigurationError, match=match):
        queue.enqueue_build(request("a", **needs))
    assert queue.jobs() == []


@pytest.mark.parametrize("needs", [{"cores": -1.0}, {"tokens": {"cores": 1}}, {"memory_gb": float("nan")}])
def test_needs_that_cannot_be_are_refused(needs: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        request("a", **needs)


def test_fractions_leave_no_rest_behind() -> None:
    pool = ResourcePool({"cores": 1.0})
    for _ in range(100):
        for n in range(3):
            assert pool.take(str(n), {"cores": 1 / 3})
        for n in range(3):
            pool.give_back(str(n))
    assert pool.free() == {"cores": 1.0}


# --- dependencies


def test_children_wait_for_their_parents(queue: IntelligentBuildQueue) -> None:
    parent = queue.enqueue_build(request("parent"))
    queue.enqueue_build(request("child"), "critical", [parent])
    started = queue.schedule_next_builds()
    assert [job.name for job in started] == ["parent"]
    queue.finish_build(result(started[0]))
    assert drain(queue) == ["child"]
    late = queue.enqueue_build(request("late"), dependencies=[parent])
    assert [job.id for job in queue.schedule_next_builds()] == [late]


def test_a_failed_parent_skips_all_generations_and_says_why(queue: IntelligentBuildQueue) -> None:
    names = [("a", ()), ("b", ("a",)), ("c", ("b",)), ("d", ())]
    ids = queue.enqueue_builds([(request(name), "normal", parents) for name, parents in names])
    started = queue.schedule_next_builds()
    queue.handle_build_failure(result(started[0], "synthesis"))
    assert [(queue.get(key).state, queue.get(key).reason) for key in ids[:3]] == [
        ("failed", "synthesis: x"),
        ("skipped", "a failed"),
        ("skipped", "b skipped"),
    ]
    assert {job.name for job in queue.taken_out()} == {"b", "c"}
    late = queue.enqueue_build(request("late"), dependencies=[ids[0]])
    assert queue.get(late).state == "skipped"


def test_a_circle_is_refused_and_leaves_nothing_behind(queue: IntelligentBuildQueue) -> None:
    names = [("a", ("c",)), ("b", ("a",)), ("c", ("b",))]
    with pytest.raises(ConfigurationError, match=r"in a circle: .* -> "):
        queue.enqueue_builds([(request(name), "normal", parents) for name, parents in names])
    assert queue.jobs() == []


def test_an_unknown_parent_is_refused(queue: IntelligentBuildQueue) -> None:
    with pytest.raises(ConfigurationError, match="isn't in the queue"):
        queue.enqueue_build(request("a"), dependencies=["b"])


def test_duplicates_are_joined(queue: IntelligentBuildQueue) -> None:
    first = queue.enqueue_build(request("a"))
    assert queue.enqueue_build(request("a"), "high") == first
    assert len(queue.jobs()) == 1
    other = request("a")
    other = attrs.evolve(other, config=attrs.evolve(other.config, design_space_id="x"))
    with pytest.raises(ConfigurationError, match="another configuration"):
        queue.enqueue_build(other)
    second = request("b")
    changed = attrs.evolve(second, config=attrs.evolve(second.config, design_space_id="x"))
    with pytest.raises(ConfigurationError, match="another configuration"):
        queue.enqueue_builds([(second, "low", ()), (changed, "low", ())])
    drain(queue)
    queue.enqueue_build(other)
    assert drain(queue) == ["a"]


# --- failures


@pytest.mark.parametrize("category", ["synthesis", "timing", "configuration", "resource", "timeout", "unknown"])
def test_genuine_failures_are_never_tried_again(queue: IntelligentBuildQueue, category: str) -> None:
    queue.enqueue_build(request("a"))
    decision = queue.handle_build_failure(result(queue.schedule_next_builds()[0], category))
    assert not decision.again
    assert queue.is_done()


@pytest.mark.parametrize("category", ["licence", "disk", "crash"])
def test_infrastructure_failures_are_tried_again_later_and_each_class_has_its_budget(
    queue: IntelligentBuildQueue, clock: Clock, category: str
) -> None:
    key = queue.enqueue_build(request("a"))
    for number in range(DEFAULT_RULES[category].most):
        started = queue.schedule_next_builds()
        decision = queue.finish_build(result(started[0], category))
        rule = DEFAULT_RULES[category]
        assert decision.again
        assert 0 <= decision.not_before - clock.now <= min(rule.longest_seconds, rule.first_seconds * 2**number)
        if decision.not_before > clock.now:
            assert queue.schedule_next_builds() == []
            assert queue.seconds_to_next() == pytest.approx(decision.not_before - clock.now)
        clock.now = decision.not_before
    other = "disk" if category == "licence" else "licence"
    assert queue.finish_build(result(queue.schedule_next_builds()[0], other)).again
    clock.now += 1e5
    last = queue.finish_build(result(queue.schedule_next_builds()[0], category))
    assert not last.again
    assert f"after {DEFAULT_RULES[category].most} retries" in last.reason
    assert queue.get(key).state == "failed"


def test_a_rule_of_a_plugin_may_call_for_another_try() -> None:
    job = Job(id="x", request=request("a"))
    assert failure_class(result(job, "simulation", retryable=True)) == "retryable"
    assert failure_class(result(job, "synthesis", retryable=True)) == "synthesis"
    assert failure_class(result(job, "x", BuildStatus.TIMEOUT)) == "timeout"
    assert failure_class(result(job)) == ""


def test_out_of_memory_is_tried_again_with_more(queue: IntelligentBuildQueue, clock: Clock) -> None:
    config = request("a").config
    config = attrs.evolve(config, global_config=attrs.evolve(config.global_config, memory_gb=8.0))
    queue.enqueue_build(BuildRequest(config=config))
    queue.enqueue_build(request("unknown need"))
    both = queue.schedule_next_builds()
    for job in both:
        assert queue.finish_build(result(job, "memory")).again
    assert [job.request.memory_gb for job in both] == [12.0, 16.0]
    assert both[0].request.config.global_config.memory_gb == 12.0
    clock.now += 1e4
    assert [job.name for job in queue.schedule_next_builds()] == ["a"]
    assert queue.finish_build(result(both[0], "memory")).again
    clock.now += 1e4
    assert [job.name for job in queue.schedule_next_builds()] == ["a"]
    assert both[0].request.memory_gb == 16.0
    queue.finish_build(result(both[0]))
    assert [job.name for job in queue.schedule_next_builds()] == ["unknown need"]
    assert not queue.finish_build(result(both[1], "memory")).again


def test_a_clock_that_jumps_back_does_not_put_a_retry_off(queue: IntelligentBuildQueue, clock: Clock) -> None:
    queue.enqueue_build(request("a"))
    queue.finish_build(result(queue.schedule_next_builds()[0], "licence"))
    clock.now -= 1e6
    assert queue.seconds_to_next() == queue.policy.longest_seconds
    assert len(queue.schedule_next_builds()) == 1


def test_a_policy_may_be_given(clock: Clock) -> None:
    rule = RetryRule(most=1, first_seconds=1, longest_seconds=1)
    assert RetryPolicy({"synthesis": rule}).delay("synthesis", 0) is not None
    assert RetryPolicy({}).longest_seconds == 0.0
    del clock


def test_results_of_other_builds_are_refused(queue: IntelligentBuildQueue) -> None:
    queue.enqueue_build(request("a"))
    with pytest.raises(ConfigurationError, match="isn't the queue's"):
        queue.finish_build(BuildResult(config_id="a", output_dir="/o/a"))
    queue.schedule_next_builds()
    queue.finish_build(BuildResult(config_id="a", status=BuildStatus.SUCCESS))  # found by its name
    with pytest.raises(ConfigurationError, match="no build"):
        queue.get("x")


# --- control


def test_builds_are_cancelled_while_they_wait_and_when_they_run(queue: IntelligentBuildQueue) -> None:
    ids = queue.enqueue_builds([(request("a"), "normal", ()), (request("b"), "normal", ("a",))])
    running = queue.schedule_next_builds()[0]
    assert not queue.cancel(ids[0])
    assert queue.handle_build_failure(result(running, "cancelled", BuildStatus.CANCELLED)).reason == "cancelled"
    assert queue.get(ids[1]).state == "skipped"
    other = queue.enqueue_build(request("c"))
    assert queue.cancel(other, "not wanted")
    assert (queue.get(other).state, queue.get(other).reason) == ("cancelled", "not wanted")
    assert queue.schedule_next_builds() == []


def test_a_paused_queue_starts_nothing(queue: IntelligentBuildQueue) -> None:
    queue.enqueue_build(request("a"))
    queue.paused = True
    assert queue.schedule_next_builds() == []
    queue.paused = False
    assert len(queue.schedule_next_builds()) == 1


def test_a_priority_is_changed_while_a_build_waits(queue: IntelligentBuildQueue) -> None:
    ids = [queue.enqueue_build(request(name)) for name in "abc"]
    child = queue.enqueue_build(request("child"), "low", [ids[1]])
    assert queue.set_priority(ids[1], "critical")
    assert queue.set_priority(child, "high")
    with pytest.raises(ConfigurationError, match="did you mean"):
        queue.set_priority(ids[0], "hihg")
    assert drain(queue) == ["b", "child", "a", "c"]
    assert not queue.set_priority(ids[0], "low")


# --- durable


@pytest.fixture
def open_queue(location: str, clock: Clock) -> Callable[[], tuple[IntelligentBuildQueue, QueueStore]]:
    def open_it() -> tuple[IntelligentBuildQueue, QueueStore]:
        kept = QueueStore(location, "backend")
        return make_queue(clock, keeper=kept.keeper), kept

    return open_it


OpenQueue = Callable[[], tuple[IntelligentBuildQueue, QueueStore]]


def kill(store: str) -> None:
    """As if all controllers were killed: they have said nothing and their processes are gone."""
    with Store(store) as opened, opened.writing() as connection:
        connection.execute(sessions.update().values(process_start="another boot"))


def test_a_queue_outlives_its_process(open_queue: OpenQueue, location: str, clock: Clock) -> None:
    queue, kept = open_queue()
    names = [("a", ()), ("b", ("a",)), ("c", ()), ("d", ("c",)), ("e", ())]
    queue.enqueue_builds([(request(name, tokens={"vivado": 1}), "high", parents) for name, parents in names])
    first, second = queue.schedule_next_builds({"slots": 2})
    queue.finish_build(result(first))
    queue.finish_build(result(second, "timing"))
    third = queue.schedule_next_builds({"slots": 1})[0]
    queue.flush()
    assert {row["name"]: row["state"] for row in list_jobs(kept._store)} == {
        "a": "succeeded",
        "b": "waiting" if third.name != "b" else "running",
        "c": "failed",
        "d": "skipped",
        "e": "waiting" if third.name != "e" else "running",
    }
    assert [row["name"] for row in list_jobs(kept._store, ["failed"])] == ["c"]
    kill(location)
    again, kept_again = open_queue()
    assert sorted(job.name for job in again.jobs()) == ["b", "e"]
    assert all(job.state == "waiting" for job in again.jobs())
    assert again.pool.free() == MACHINE
    assert sorted(drain(again)) == ["b", "e"]
    again.flush()
    with Store(location) as store, store.reading() as connection:
        assert connection.execute(leases.select()).all() == []
    for each in (kept_again, kept):
        each.close()


def test_a_child_is_skipped_after_a_kill_too(open_queue: OpenQueue, location: str) -> None:
    queue, kept = open_queue()
    queue.enqueue_builds([(request("a"), "normal", ()), (request("b"), "normal", ("a",))])
    job = queue.schedule_next_builds()[0]
    queue.flush()
    job.state = "failed"
    kept.keeper.changed(job)
    kept.keeper.flush()  # and killed before the child's turn
    kill(location)
    again, kept_again = open_queue()
    assert [(job.name, job.state) for job in again.taken_out()] == [("b", "skipped")]
    assert again.schedule_next_builds() == []
    for each in (kept_again, kept):
        each.close()


def test_tokens_are_shared_with_other_controllers(open_queue: OpenQueue, location: str) -> None:
    first, kept_first = open_queue()
    second, kept_second = open_queue()
    for number, queue in enumerate((first, second)):
        queue.enqueue_builds([(request(f"{number}{n}", tokens={"vivado": 1}), "normal", ()) for n in range(3)])
    mine = first.schedule_next_builds({"slots": 1})
    theirs = second.schedule_next_builds()
    assert (len(mine), len(theirs)) == (1, 1)
    assert first.schedule_next_builds() == []
    second.finish_build(result(theirs[0]))
    assert len(first.schedule_next_builds()) == 1
    kill(location)
    with Store(location) as store, store.writing() as connection:
        connection.execute(sessions.update().values(ended=None))
    third, kept_third = open_queue()
    assert len(third.schedule_next_builds()) == 2  # what dead controllers held is free
    for each in (kept_first, kept_second, kept_third):
        each.close()


def test_a_controller_that_was_quicker_gets_the_token(open_queue: OpenQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    first, kept_first = open_queue()
    second, kept_second = open_queue()
    first.enqueue_build(request("a", tokens={"vivado": 2}))
    second.enqueue_build(request("b", tokens={"vivado": 2}))
    second.enqueue_build(request("c"))
    seen = iter([{}, {"vivado": 2.0}])
    assert len(first.schedule_next_builds()) == 1
    monkeypatch.setattr(kept_second.keeper, "others", lambda: next(seen))
    assert [job.name for job in second.schedule_next_builds()] == ["c"]
    assert [job.name for job in second.jobs() if job.state == "waiting"] == ["b"]
    for each in (kept_first, kept_second):
        each.close()


def test_a_queue_of_another_backend_keeps_its_hands_off(open_queue: OpenQueue, location: str, clock: Clock) -> None:
    queue, kept = open_queue()
    queue.enqueue_build(request("a"))
    kept.close()
    other = QueueStore(location, "another")
    assert make_queue(clock, keeper=other.keeper).jobs() == []
    other.close()
    again, kept = open_queue()
    assert [job.name for job in again.jobs()] == ["a"]
    assert find_job(kept._store, "a") is not None
    assert find_job(kept._store, "x") is None
    kept.close()


def test_a_retry_and_a_changed_priority_survive(open_queue: OpenQueue, clock: Clock) -> None:
    queue, kept = open_queue()
    key = queue.enqueue_build(request("a"))
    queue.finish_build(result(queue.schedule_next_builds()[0], "licence"))
    queue.set_priority(key, "high")
    kept.close()
    again, kept = open_queue()
    job = again.get(key)
    assert (job.retries, job.priority, job.rank) == ({"licence": 1}, "high", 1)
    clock.now += 1e4
    assert len(again.schedule_next_builds()) == 1
    again.put_back(key)
    kept.close()
    again, kept = open_queue()
    assert again.get(key).state == "waiting"
    kept.close()


def test_history_says_what_takes_long(open_queue: OpenQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue, kept = open_queue()
    monkeypatch.setattr(kept.keeper, "expected", lambda: {"": 5.0, "slow": 9.0})
    assert queue.get(queue.enqueue_build(request("slow"))).expected == 9.0
    assert queue.get(queue.enqueue_build(request("new"))).expected == 5.0
    kept.close()


def test_many_threads_may_use_a_queue(queue: IntelligentBuildQueue) -> None:
    started: list[str] = []

    def work() -> None:
        while jobs := queue.schedule_next_builds({"slots": 1}):
            started.append(jobs[0].name)
            queue.finish_build(result(jobs[0]))

    queue.enqueue_builds([(request(n), "normal", ()) for n in range(200)])
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started, key=int) == [str(n) for n in range(200)]
