"""How far a step is reaches the build from the step's own process, and not too often."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsmith_core.build.step_progress import progress_to, tell_progress
from brainsmith_core.cli.run_command import _print_event
from brainsmith_core.config import BuildConfig, ProcessingStep
from brainsmith_core.events import BuildEvent
from brainsmith_core.records import StepSpec


@pytest.mark.parametrize("kind", ["preprocessing", "postprocessing"])
def test_what_a_step_tells_becomes_events_of_the_build(
    make_config: Callable[..., BuildConfig],
    run_fake: Callable[..., Any],
    add_steps: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    (tmp_path / "counting_steps.py").write_text(
        "def count(context):\n    for index in range(1000):\n        context.progress(index + 1, 1000, 'samples')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    add_steps(kind, StepSpec(name="count", summary="counts", target="counting_steps:count"))
    steps = {kind: (ProcessingStep(name="count", type=kind),)}  # type: ignore[arg-type] # one of the two
    seen: list[BuildEvent] = []
    run_fake(make_config(**steps), on_event=seen.append)
    about = [event.data for event in seen if event.kind == "step_progress"]
    last = {"step": "count", "index": 1, "total": 1, "done": 1000, "of": 1000, "what": "samples"}
    assert about[-1] == last
    assert len(about) < 100
    _print_event([event for event in seen if event.kind == "step_progress"][-1])
    assert "1000/1000 samples" in capsys.readouterr().err


def test_events_that_come_too_soon_are_dropped_but_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    seen: list[dict[str, Any]] = []
    with progress_to(seen.append):
        for index in range(1, 11):
            now[0] += 0.25
            tell_progress(np.int64(index), 10, "runs")  # type: ignore[arg-type] # what a careless step gives
        tell_progress(10, 10, "runs")
    tell_progress(1, 1, "nobody listens")
    assert [event["done"] for event in seen] == [4, 8, 10]
    assert type(seen[0]["done"]) is int
