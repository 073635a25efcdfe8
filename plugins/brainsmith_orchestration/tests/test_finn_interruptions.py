"""Real FINN builds that are killed, interrupted and resumed give what undisturbed ones give, one by one."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.result import BuildStatus
from brainsmith_orchestration.lock import leftover_processes

pytestmark = [pytest.mark.finn, pytest.mark.slow]

MakeExploration = Callable[..., Any]

MODEL = Path(__file__).parents[3] / "examples" / "digits" / "model.onnx"
FPS = (20_000, 50_000, 100_000, 200_000)


@pytest.fixture(autouse=True)
def _needs_finn() -> None:
    from brainsmith_finn_legacy.environments import FINNEnvironmentManager

    try:
        FINNEnvironmentManager().find(None)
    except MissingRequirementError as error:
        pytest.skip(f"needs a real FINN environment: {error.message}")


def configs(folder: Path) -> list[BuildConfig]:
    return [
        BuildConfig(
            id=f"fps{fps}",
            model_path=str(MODEL),
            output_dir=str(folder / "run" / f"fps{fps}"),
            config_flags={"board": "Pynq-Z1", "synth_clk_period_ns": 10.0, "target_fps": fps},
        )
        for fps in FPS
    ]


def wait_for_step(folder: Path) -> None:
    """Wait until a build is inside FINN, at its second step at least."""
    deadline = time.monotonic() + 300
    while not any(path.read_text().count('"step_started"') > 1 for path in folder.rglob("events.jsonl")):
        assert time.monotonic() < deadline, "FINN didn't start"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether the workers of a controller that was killed end by themselves, soon."""
    deadline = time.monotonic() + 20
    while leftover_processes(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not leftover_processes(pid)


def outcome(config: BuildConfig) -> dict[str, Any]:
    """What a build gave, but for times and places."""
    workspace = Workspace(Path(config.output_dir))
    reports = sorted((workspace.artifacts / "report").glob("*.json"))
    metrics = json.loads(workspace.metrics.read_text())["metrics"]
    return {
        "reports": {path.name: path.read_bytes() for path in reports if path.name != "time_per_step.json"},
        "metrics": {
            (each["name"], each["stage"], json.dumps(each["scope"])): each["value"]
            for each in metrics
            if not each["name"].startswith("build.") and each["name"] != "prov.config_sha256"
        },
    }


def test_killed_interrupted_and_resumed_builds_give_what_undisturbed_ones_give(
    tmp_path: Path, make_exploration: MakeExploration
) -> None:
    alone, disturbed = tmp_path / "alone", tmp_path / "disturbed"
    for folder in (alone, disturbed):
        folder.mkdir()
    quiet = make_exploration(alone, configs(alone), "legacy_finn", 1)
    assert {status for status, _ in quiet.finish().values()} == {"success"}

    troubled = make_exploration(disturbed, configs(disturbed), "legacy_finn", 2)
    with troubled.start() as process:
        wait_for_step(disturbed)
        process.kill()
        process.wait()
        assert gone(process.pid)
    for path in disturbed.rglob("events.jsonl"):
        path.unlink()
    with troubled.start() as process:
        wait_for_step(disturbed)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
        assert process.returncode == 130
        assert leftover_processes(process.pid) == []
    assert BuildStatus.CANCELLED in troubled.statuses().values()
    assert {status for status, _ in troubled.finish().values()} == {"success"}

    for one, other in zip(quiet.configs, troubled.configs, strict=True):
        assert outcome(one) == outcome(other)
        assert outcome(one)["reports"]
