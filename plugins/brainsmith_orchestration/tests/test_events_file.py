from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_orchestration.controller import Controller
from brainsmith_orchestration.events_file import EventsFile


def test_a_run_leaves_each_event_as_a_whole_line(tmp_path: Path, make_config: Callable[..., BuildConfig]) -> None:
    path = tmp_path / "events.jsonl"
    for runs in (1, 2):
        factory = create_build_runner_factory("future_brainsmith")
        with EventsFile(path) as file, Controller(factory, 3, on_event=file.note) as controller:
            list(controller.run(make_config(f"{runs}-{n}") for n in range(6)))
        events = [BuildEvent.from_dict(json.loads(line)) for line in path.read_text().splitlines()]
        ends = Counter(event.build_id for event in events if event.kind == "build_finished")
        assert len(ends) == 6 * runs
        assert set(ends.values()) == {1}


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be written"), EventsFile(tmp_path / "no" / "events.jsonl"):
        pass
