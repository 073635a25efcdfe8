"""Faults in real FINN builds, each beside another build that must not be harmed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from brainsmith_core.config import BuildConfig, GlobalConfig
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments.records import FINNEnvironment

pytestmark = pytest.mark.finn

STEPS = Path(__file__).parent / "user_steps" / "faulty.py"


def with_fault(flow: tuple[str, ...], fault: str) -> list[str]:
    """Return FINN's flow with a step of the user's own in the middle of it."""
    place = flow.index("step_streamline") + 1
    return [*flow[:place], f"{STEPS}:{fault}", *flow[place:]]


@pytest.mark.parametrize(
    ("fault", "settings", "status", "category", "message"),
    [
        ("raises", {}, "failed", "transform", "ValueError: this step always fails, for any "),
        ("crashes", {}, "failed", "crash", "was ended by signal 11"),
        ("hangs", {"timeout_minutes": 0.08}, "timeout", "timeout", "the time limit"),
        ("eats_memory", {"memory_gb": 1}, "failed", "memory", "used more memory"),
        ("asks", {}, "failed", "environment", "EOFError"),
        ("debugs", {}, "failed", "transform", "BdbQuit"),
    ],
)
def test_a_fault_ends_its_own_build_only_and_its_log_is_kept(
    finn: FINNEnvironment,
    real_model: Path,
    build_with: Callable[..., BuildResult],
    tmp_path: Path,
    fault: str,
    settings: dict[str, Any],
    status: str,
    category: str,
    message: str,
) -> None:
    backend = LegacyFINNBackend(environment=finn)
    flags: dict[str, Any] = {"board": "Pynq-Z1", "target_fps": 10_000}
    steps = with_fault(finn.description.estimate_steps, fault)
    bad = BuildConfig(
        id="bad",
        model_path=str(real_model),
        output_dir=str(tmp_path / "bad"),
        config_flags=flags,
        build_steps=steps,
        global_config=GlobalConfig(**settings),
    )
    good = BuildConfig(id="good", model_path=str(real_model), output_dir=str(tmp_path / "good"), config_flags=flags)
    results: dict[str, BuildResult] = {}

    def build(config: BuildConfig) -> None:
        results[config.id] = build_with(backend, config)

    threads = [threading.Thread(target=build, args=(config,)) for config in (bad, good)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results["good"].status is BuildStatus.SUCCESS
    error = results["bad"].error
    assert error is not None
    assert (results["bad"].status.value, error.category, error.step) == (status, category, fault)
    assert message in error.message
    assert f"Running step: {fault}" in (tmp_path / "bad" / "build.log").read_text()
    left = [process for process in psutil.process_iter(["cwd"]) if str(tmp_path / "bad") in (process.info["cwd"] or "")]
    assert left == []


def test_a_flood_is_cut_and_background_processes_are_ended(
    finn: FINNEnvironment, real_model: Path, build_with: Callable[..., BuildResult], tmp_path: Path
) -> None:
    config = BuildConfig(
        id="point",
        model_path=str(real_model),
        output_dir=str(tmp_path / "out"),
        build_steps=[f"{STEPS}:floods", f"{STEPS}:leaves_processes"],
    )
    result = build_with(LegacyFINNBackend(environment=finn), config)
    assert result.status is BuildStatus.SUCCESS
    children = [int(pid) for pid in (tmp_path / "out" / "artifacts" / "children").read_text().split()]
    assert not any(psutil.pid_exists(child) for child in children)
    left, cut = result.warnings
    assert "were left in the background and ended" in left
    assert "build.log isn't whole" in cut
    assert (tmp_path / "out" / "build.log").stat().st_size < 70 * 2**20
    finn_log = (tmp_path / "out" / "artifacts" / "build_dataflow.log").stat().st_size
    assert finn_log < 80 * 2**20
