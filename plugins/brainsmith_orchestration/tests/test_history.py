from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.metric import Metric, MetricStatus, Stage
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_orchestration.store.build_record import BuildRecord
from brainsmith_orchestration.store.database import Store
from brainsmith_orchestration.store.history import export_history, import_history
from brainsmith_orchestration.store.queries import find_build
from brainsmith_orchestration.store.recording import write_records

text = st.text(max_size=12)
values = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), text)
times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
numbers = st.integers(0, 3)


@st.composite
def records(draw: st.DrawFn) -> BuildRecord:
    number = draw(numbers)
    config = BuildConfig(
        id=f"c{number}", model_path="m", output_dir=f"/o/{number}", config_flags=draw(st.dictionaries(text, values))
    )
    if draw(st.booleans()):
        return BuildRecord(config=config)
    status = draw(st.sampled_from([BuildStatus.SUCCESS, BuildStatus.FAILED]))
    result = BuildResult(config_id=config.id, status=status, start_time=draw(times), provenance={"v": draw(values)})
    result.artifacts = draw(st.dictionaries(text, text, max_size=2))
    metrics = [
        Metric(name="n", value=value, stage=Stage.HLS, scope={"layer": draw(text)})
        for value in draw(st.lists(values, max_size=3))
    ]
    missing = Metric(name="gone", stage=Stage.HLS, status=MetricStatus.MISSING)
    events = [BuildEvent(kind=kind, build_id=config.id, time=draw(times)) for kind in draw(st.lists(text, max_size=3))]
    return BuildRecord(
        config=config,
        result=result,
        metrics=tuple(each.to_dict() for each in (*metrics, missing)),
        events=tuple(events),
    )


@settings(max_examples=30)
@given(st.lists(records(), max_size=6))
def test_a_history_goes_round(found: list[BuildRecord]) -> None:
    with tempfile.TemporaryDirectory() as name, Store(f"{name}/a.db") as first, Store(f"{name}/b.db") as second:
        for record in found:
            with first.writing() as connection:
                write_records(connection, [record])
        lines = list(export_history(first))
        import_history(second, lines)
        assert list(export_history(second)) == lines
        import_history(second, lines)
        assert list(export_history(second)) == lines


def test_a_history_goes_from_one_kind_of_database_to_the_other(store: Store, tmp_path: Path) -> None:
    config = BuildConfig(id="a", model_path="m", output_dir="/o", config_flags={"x": "\0", "y": 0.1})
    metric = Metric(name="n", value=0.1 + 0.2, stage=Stage.HLS)
    result = BuildResult(config_id="a", status=BuildStatus.SUCCESS)
    with store.writing() as connection:
        write_records(connection, [BuildRecord(config=config, result=result, metrics=(metric.to_dict(),))])
    lines = list(export_history(store))
    with Store(str(tmp_path / "other.db")) as other:
        assert import_history(other, lines) == 1
        assert list(export_history(other)) == lines


def test_histories_are_united_and_the_latest_attempt_counts(tmp_path: Path) -> None:
    config = BuildConfig(id="a", model_path="m", output_dir="/o")
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    with Store(str(tmp_path / "a.db")) as first, Store(str(tmp_path / "b.db")) as second:
        for store, when, status in ((first, early, BuildStatus.FAILED), (second, late, BuildStatus.SUCCESS)):
            with store.writing() as connection:
                result = BuildResult(config_id="a", status=status, start_time=when)
                write_records(connection, [BuildRecord(config=config, result=result)])
        import_history(first, export_history(second))
        assert find_build(first, "a")["status"] == "success"
        import_history(second, export_history(first))
        assert find_build(second, "a")["status"] == "success"


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([], "no exported history"),
        (["nonsense"], "no exported history"),
        (['{"format": "brainsmith-history", "version": 999}'], "of version 999"),
        (['{"format": "brainsmith-history", "version": 1}', '{"table": "builds", "ro'], "line 2: this is no row"),
        (['{"format": "brainsmith-history", "version": 1}', '{"table": "x", "row": {}}'], "line 2: this is no row"),
        (['{"format": "brainsmith-history", "version": 1}', '{"table": "builds", "row": {}}'], "line 2: this is no"),
    ],
)
def test_what_is_no_history_is_refused(tmp_path: Path, lines: list[str], match: str) -> None:
    with Store(str(tmp_path / "a.db")) as store, pytest.raises(ConfigurationError, match=match):
        import_history(store, lines, "file")


def test_a_history_that_is_cut_off_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    with Store(str(tmp_path / "a.db")) as first, Store(str(tmp_path / "b.db")) as second:
        with first.writing() as connection:
            write_records(connection, [BuildRecord(config=BuildConfig(id="a", model_path="m", output_dir="/o"))])
        lines = list(export_history(first))
        with pytest.raises(ConfigurationError, match="line 4"):
            import_history(second, ["\n".join(lines[:1]), lines[1], "\n", lines[1][:-9]])
        assert [json.loads(line).get("table") for line in export_history(second)] == [None]
