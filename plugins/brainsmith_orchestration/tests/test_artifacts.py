from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.cli.app import App
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.result import BuildMetrics, BuildResult, BuildStatus
from brainsmith_orchestration import BuildArtifactManager, RetentionPolicy
from brainsmith_orchestration.artifacts.record import ArtifactRecord, StoredFile, is_kept_for_ever
from brainsmith_orchestration.artifacts.retention import reasons_to_stay
from brainsmith_orchestration.artifacts_command import command

START = datetime(2026, 1, 1, tzinfo=UTC)
MakeResult = Callable[..., BuildResult]


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manager(tmp_path: Path, clock: Clock) -> BuildArtifactManager:
    return BuildArtifactManager(tmp_path / "store", now=clock)


@pytest.fixture
def make_result(tmp_path: Path) -> MakeResult:
    def make(name: str = "a", bitfile: str = "bits", simulated: bool = False, **figures: float) -> BuildResult:
        folder = tmp_path / name
        for path, text in {
            "artifacts/bitfile/top.bit": bitfile,
            "artifacts/report/post_synth.json": "{}",
            "build.log": "log",
            "metrics.json": "[]",
        }.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        metrics = BuildMetrics(**figures)  # type: ignore[arg-type]  # figures are fields by name
        result = BuildResult(
            config_id=name, output_dir=str(folder), metrics=metrics, backend="flags", simulated=simulated
        )
        result.complete(BuildStatus.SUCCESS)
        (folder / "result.json").write_text(json.dumps(result.to_dict()))
        return result

    return make


def test_what_is_stored_comes_back_as_it_was(
    manager: BuildArtifactManager, make_result: MakeResult, tmp_path: Path
) -> None:
    record = manager.store_build_artifacts(make_result(throughput=5.0), {"board": "Pynq-Z1"})
    assert (record.version, record.stored, record.status) == (1, START, "success")
    assert record.metrics == {"throughput": 5.0}
    assert manager.retrieve_artifacts({}) == [record]
    written = manager.restore(record, tmp_path / "back")
    assert {path.relative_to(tmp_path / "back").as_posix() for path in written} == set(record.files)
    for path in record.files:
        assert (tmp_path / "back" / path).read_bytes() == (tmp_path / "a" / path).read_bytes()


def test_the_same_again_is_the_same_version_and_a_change_is_a_new_one(
    manager: BuildArtifactManager, make_result: MakeResult
) -> None:
    first = manager.store_build_artifacts(make_result())
    assert manager.store_build_artifacts(make_result(bitfile="bits")).version == 2  # result.json has another time
    result = make_result(bitfile="other")
    third = manager.store_build_artifacts(result)
    assert manager.store_build_artifacts(result) == third
    assert manager.store_build_artifacts(result, {"why": "tag"}).version == 4
    assert [each.version for each in manager.retrieve_artifacts({"build_id": "a"})] == [1, 2, 3, 4]
    assert [each.version for each in manager.retrieve_artifacts({"version": "latest"})] == [4]
    assert manager.find("a", 1) == first


def test_builds_share_what_is_the_same(manager: BuildArtifactManager, make_result: MakeResult) -> None:
    one, two = (manager.store_build_artifacts(make_result(name)) for name in ("one", "two"))
    shared = {file.sha256 for file in one.files.values()} & {file.sha256 for file in two.files.values()}
    assert len(shared) == 4
    blobs = [path for path in Path(manager._store.blobs).rglob("*") if path.is_file()]
    assert len(blobs) == 6


def test_links_are_named_and_not_stored(manager: BuildArtifactManager, make_result: MakeResult, tmp_path: Path) -> None:
    result = make_result()
    (tmp_path / "a" / "link").symlink_to("/etc/hostname")
    record = manager.store_build_artifacts(result)
    assert record.skipped == ("link",)
    assert "link" not in record.files


def test_a_folder_that_is_not_there_is_not_stored(manager: BuildArtifactManager, tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="isn't there"):
        manager.store_build_artifacts(BuildResult(config_id="a", output_dir=str(tmp_path / "gone")))


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"metadata": {"board": "Pynq-Z1"}}, ["one"]),
        ({"metadata": {"board": "none"}}, []),
        ({"at_least": {"throughput": 10}}, ["two"]),
        ({"at_most": {"throughput": 10}}, ["one"]),
        ({"at_least": {"accuracy": 0}}, []),
        ({"at_most": {"accuracy": 1}}, []),
        ({"simulated": True}, ["two"]),
        ({"backend": "flags", "status": "success"}, ["one", "two"]),
        ({"status": "failed"}, []),
        ({"pinned": True}, ["two"]),
        ({"version": 2}, []),
        ({"stored_after": START + timedelta(days=1)}, ["two"]),
        ({"stored_before": START}, ["one"]),
    ],
)
def test_what_is_asked_for_is_found(
    manager: BuildArtifactManager,
    make_result: MakeResult,
    clock: Clock,
    criteria: dict[str, object],
    expected: list[str],
) -> None:
    manager.store_build_artifacts(make_result("one", throughput=5), {"board": "Pynq-Z1"})
    clock.now += timedelta(days=2)
    manager.store_build_artifacts(make_result("two", simulated=True, throughput=50))
    manager.pin("two")
    assert [record.build_id for record in manager.retrieve_artifacts(criteria)] == expected


def test_an_unknown_criterion_build_or_file_is_named(
    manager: BuildArtifactManager, make_result: MakeResult, tmp_path: Path
) -> None:
    record = manager.store_build_artifacts(make_result("network"))
    with pytest.raises(ConfigurationError, match='did you mean "metadata"'):
        manager.retrieve_artifacts({"metdata": {}})
    with pytest.raises(ConfigurationError, match='did you mean "network"'):
        manager.find("netwrk")
    with pytest.raises(ConfigurationError, match="network@2"):
        manager.find("network", 2)
    with pytest.raises(ConfigurationError, match=r'did you mean "build\.log"'):
        manager.restore(record, tmp_path / "back", "bild.log")


def test_nothing_is_written_over(manager: BuildArtifactManager, make_result: MakeResult, tmp_path: Path) -> None:
    record = manager.store_build_artifacts(make_result())
    with pytest.raises(ConfigurationError, match="is there already"):
        manager.restore(record, tmp_path / "a", "build.log")


def test_a_damaged_file_is_told_and_the_rest_stays(
    manager: BuildArtifactManager, make_result: MakeResult, tmp_path: Path
) -> None:
    record = manager.store_build_artifacts(make_result())
    blob = Path(manager._store.blob_path(record.files["build.log"].sha256))
    blob.chmod(0o600)
    blob.write_text("damaged")
    with pytest.raises(MissingRequirementError, match="damaged"):
        manager.restore(record, tmp_path / "back", "build.log")
    manager.manage_artifact_lifecycle(RetentionPolicy())
    assert manager.retrieve_artifacts({}) == [record]
    assert manager.restore(record, tmp_path / "back", "artifacts/bitfile/top.bit")


def test_what_is_too_old_goes_but_never_metrics_and_reports(
    manager: BuildArtifactManager, make_result: MakeResult, clock: Clock, tmp_path: Path
) -> None:
    old = manager.store_build_artifacts(make_result(bitfile="old"))
    clock.now += timedelta(days=40)
    new = manager.store_build_artifacts(make_result(bitfile="new"))
    policy = RetentionPolicy(max_age_days=30)
    plan = manager.manage_artifact_lifecycle(policy, dry_run=True)
    assert manager.retrieve_artifacts({}) == [old, new]
    done = manager.manage_artifact_lifecycle(policy)
    assert attrs.evolve(done, dry_run=True) == plan
    assert (done.thinned, done.freed_bytes) == (("a@1",), len("old"))
    thinned = manager.find("a", 1)
    assert {path for path, file in thinned.files.items() if file.gone} == {"artifacts/bitfile/top.bit", "build.log"}
    with pytest.raises(MissingRequirementError, match="let go"):
        manager.restore(thinned, tmp_path / "back", "build.log")
    kept = manager.restore(thinned, tmp_path / "back")
    assert {path.name for path in kept} == {"post_synth.json", "metrics.json", "result.json"}
    assert manager.restore(new, tmp_path / "new")


def test_the_oldest_go_until_the_rest_is_small_enough(
    manager: BuildArtifactManager, make_result: MakeResult, clock: Clock
) -> None:
    for number in range(3):
        manager.store_build_artifacts(make_result(f"b{number}", bitfile=str(number) * 1000))
        clock.now += timedelta(days=1)
    before = sum(each.size for each in manager.retrieve_artifacts({}))
    report = manager.manage_artifact_lifecycle(RetentionPolicy(last=0, max_bytes=before - 1500))
    assert report.thinned == ("b0@1", "b1@1")
    assert report.left_bytes <= before - 1500


def test_without_a_limit_nothing_goes(manager: BuildArtifactManager, make_result: MakeResult) -> None:
    record = manager.store_build_artifacts(make_result())
    assert manager.manage_artifact_lifecycle(RetentionPolicy(last=0)).thinned == ()
    assert manager.find("a") == record


def test_what_is_pinned_or_a_baseline_stays_whole(
    manager: BuildArtifactManager, make_result: MakeResult, clock: Clock
) -> None:
    manager.store_build_artifacts(make_result("pinned"))
    manager.pin("pinned")
    manager.store_build_artifacts(make_result("base"), {"baseline": True})
    clock.now += timedelta(days=1000)
    report = manager.manage_artifact_lifecycle(RetentionPolicy(last=0, max_age_days=1, max_bytes=0))
    assert report.thinned == ()
    assert report.kept == {"pinned@1": "pinned", "base@1": "baseline"}
    manager.pin("pinned", pinned=False)
    assert manager.manage_artifact_lifecycle(RetentionPolicy(last=0, max_age_days=1)).thinned == ("pinned@1",)


figures = st.dictionaries(st.sampled_from(["throughput", "latency"]), st.integers(0, 5).map(float))


@given(st.lists(st.tuples(figures, st.booleans(), st.sampled_from(["success", "failed"])), max_size=8))
def test_the_pareto_front_is_what_nothing_is_better_than(points: list[tuple[dict[str, float], bool, str]]) -> None:
    records = [
        ArtifactRecord(
            build_id=str(n), version=1, stored=START, status=status, backend="b", simulated=simulated, metrics=metrics
        )
        for n, (metrics, simulated, status) in enumerate(points)
    ]
    policy = RetentionPolicy(pareto={"throughput": "up", "latency": "down"}, last=0)
    front = {build for build, _ in reasons_to_stay(records, policy)}

    def whole(record: ArtifactRecord) -> bool:
        return record.status == "success" and {"throughput", "latency"} <= record.metrics.keys()

    for record in records:
        mine = record.metrics
        beaten = whole(record) and any(
            whole(other)
            and other.simulated == record.simulated
            and other.metrics["throughput"] >= mine["throughput"]
            and other.metrics["latency"] <= mine["latency"]
            and other.metrics != mine
            for other in records
        )
        assert (record.build_id in front) == (whole(record) and not beaten)


@pytest.mark.parametrize("wrong", [{"pareto": {"latency": "less"}}, {"last": -1}, {"max_bytes": -1}])
def test_a_wrong_policy_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RetentionPolicy(**wrong)


@given(
    st.builds(
        ArtifactRecord,
        build_id=st.text(min_size=1),
        version=st.integers(1),
        stored=st.datetimes(timezones=st.just(UTC)),
        status=st.text(),
        backend=st.text(),
        simulated=st.booleans(),
        metrics=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
        files=st.dictionaries(
            st.text(), st.builds(StoredFile, sha256=st.text(), size=st.integers(0), kept=st.booleans())
        ),
        pinned=st.booleans(),
    )
)
def test_a_record_reads_back_to_an_equal_one(record: ArtifactRecord) -> None:
    assert ArtifactRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_files_that_metrics_were_read_from_stay_wherever_they_lie() -> None:
    assert is_kept_for_ever("backend_specific/odd.txt", frozenset(["backend_specific/odd.txt"]))
    assert not is_kept_for_ever("backend_specific/odd.json", frozenset())


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingRequirementError, match="file"):
        BuildArtifactManager(tmp_path / "file")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, obj=App(), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_the_commands_store_list_get_pin_and_collect(make_result: MakeResult, tmp_path: Path) -> None:
    make_result("net", throughput=7)
    store = ("--store", str(tmp_path / "kept"))
    run("store", str(tmp_path / "net"), "--meta", "board=Pynq-Z1", *store)
    assert "net@1" in run("list", "--meta", "board=Pynq-Z1", "--at-least", "throughput=7", *store)
    assert json.loads(run("list", "--at-most", "throughput=6", "--json", *store)) == {"artifacts": []}
    pinned = json.loads(run("pin", "net@1", "--json", *store))["artifacts"]
    assert pinned[0]["pinned"]
    assert "pinned" in run("list", "--latest", *store)
    assert "0 versions" in run("gc", "--last", "0", "--max-age", "0", "--dry-run", *store)
    run("unpin", "net", *store)
    report = json.loads(run("gc", "--last", "0", "--max-bytes", "0", "--pareto", "latency=down", "--json", *store))
    assert report["thinned"] == ["net@1"]
    assert "net@1: all but metrics" not in run("gc", "--last", "0", "--max-bytes", "0", *store)
    assert "were let go" in run("get", "net", "--to", str(tmp_path / "all"), *store)
    got = json.loads(run("get", "net", "--file", "metrics.json", "--to", str(tmp_path / "one"), "--json", *store))
    assert got["written"] == [str(tmp_path / "one" / "metrics.json")]


def test_wrong_words_are_told(make_result: MakeResult, tmp_path: Path) -> None:
    store = ("--store", str(tmp_path / "kept"))
    with pytest.raises(ConfigurationError, match="is no version"):
        run("pin", "net@one", *store)
    with pytest.raises(ConfigurationError, match="compared with a number"):
        run("list", "--at-least", "throughput=many", *store)
    with pytest.raises(ConfigurationError, match="holds no result"):
        run("store", str(tmp_path), *store)
