from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.result import BuildStatus
from brainsmith_core.testing import EventRecorder, ExecutorSuite
from brainsmith_core.testing.executor_suite import make_flag_runner
from brainsmith_dask import DaskExecutor, DaskSettings
from brainsmith_orchestration import Controller

PATIENCE = 60.0


class TestDask(ExecutorSuite):
    executor = "dask"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x08\x12\x07made up")
    return path


def config(model: Path, name: str, **flags: str | float) -> BuildConfig:
    output = str(model.parent / "out" / name)
    return BuildConfig(id=name, model_path=str(model), output_dir=output, config_flags=flags)


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskExecutor]:
    executor = DaskExecutor(create_build_runner_factory("future_brainsmith"), 2)
    yield executor
    executor.close()


def workers(executor: DaskExecutor) -> list[int]:
    assert executor._connection is not None
    return sorted(executor._connection.client.run(os.getpid).values())


def test_builds_on_workers_give_what_builds_here_give(model: Path, cluster: DaskExecutor) -> None:
    recorder = EventRecorder()
    there = config(model, "there", target_fps=100)
    result = cluster.submit(there, threading.Event(), recorder).result(PATIENCE)
    here = create_build_runner_factory("future_brainsmith")().run(config(model, "here", target_fps=100))
    assert result.succeeded
    assert result.metrics is not None
    assert here.metrics is not None
    assert result.metrics.raw_metrics.keys() == here.metrics.raw_metrics.keys()
    assert Workspace(Path(there.output_dir)).read_result() == result
    assert {"build_started", "build_finished"} <= {event.kind for event in recorder.events}
    assert not list((model.parent / "out").glob(".brainsmith-*"))


def test_files_are_sent_there_and_back_where_folders_are_not_shared(model: Path) -> None:
    factory = create_build_runner_factory("future_brainsmith")
    executor = DaskExecutor(factory, 1, DaskSettings(files="sent"))
    try:
        wanted = config(model, "sent")
        result = executor.submit(wanted, threading.Event(), EventRecorder()).result(PATIENCE)
    finally:
        executor.close()
    workspace = Workspace(Path(wanted.output_dir))
    assert result.succeeded
    assert result.output_dir == wanted.output_dir
    assert workspace.read_result() == result
    assert workspace.read_config() == wanted
    assert workspace.metrics.exists()
    assert workspace.model.read_bytes() == model.read_bytes()


def test_a_worker_that_dies_costs_a_retry_and_not_the_run(model: Path) -> None:
    executor = DaskExecutor(make_flag_runner, 2)
    recorder, stop = EventRecorder(), threading.Event()
    try:
        future = executor.submit(config(model, "a", do="wait"), stop, recorder)
        wait_until(lambda: bool(recorder.of("build_started")))
        for pid in workers(executor):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(recorder.of("build_started")) == 2)
        assert recorder.of("warning")
        stop.set()
        assert future.result(PATIENCE).status is BuildStatus.CANCELLED
    finally:
        executor.close()


def test_a_build_whose_worker_always_dies_fails_after_the_retries(model: Path) -> None:
    killer: Any = functools.partial(signal.raise_signal, signal.SIGKILL)
    executor = DaskExecutor(killer, 1, DaskSettings(retries=1))
    try:
        recorder = EventRecorder()
        future = executor.submit(config(model, "a"), threading.Event(), recorder)
        error = future.exception(PATIENCE)
    finally:
        executor.close()
    assert "KilledWorker" in type(error).__name__
    assert len(recorder.of("warning")) == 1


def test_closing_leaves_no_process_behind(model: Path) -> None:
    executor = DaskExecutor(make_flag_runner, 2)
    pids = workers(executor)
    assert len(pids) == 2
    executor.submit(config(model, "a", do="wait"), threading.Event(), EventRecorder())
    executor.close()
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_a_controller_builds_on_dask(model: Path, cluster: DaskExecutor) -> None:
    configs = [config(model, f"build{number}") for number in range(6)]
    factory = create_build_runner_factory("future_brainsmith")
    controller = Controller(factory, 2, executor=cluster)
    results = list(controller.run(configs))
    again = list(controller.run(configs))
    assert sorted(result.config_id for result in results) == [each.id for each in configs]
    assert all(result.succeeded for result in results)
    assert all(result.cached for result in again)


def test_a_scheduler_that_is_not_there_is_named() -> None:
    settings = DaskSettings(scheduler="tcp://127.0.0.1:9", connect_seconds=0.5)
    with pytest.raises(MissingRequirementError, match=r"127\.0\.0\.1:9"):
        DaskExecutor(make_flag_runner, 1, settings)


def test_a_factory_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="can't be sent"):
        DaskExecutor(lambda: make_flag_runner(), 1)
    with pytest.raises(ConfigurationError, match="at least one"):
        DaskExecutor(make_flag_runner, 0)


def test_a_model_that_is_gone_fails_its_build_alone(model: Path) -> None:
    executor = DaskExecutor(make_flag_runner, 1, DaskSettings(files="sent"))
    try:
        lost = config(model.with_name("gone.onnx"), "a")
        future = executor.submit(lost, threading.Event(), EventRecorder())
        assert isinstance(future.exception(PATIENCE), MissingRequirementError)
    finally:
        executor.close()


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + PATIENCE
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen"
        time.sleep(0.02)
