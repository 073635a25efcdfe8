"""Collecting metrics: files are recognised, parsers contained, wrong names and units refused, nothing is lost."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.config import BuildConfig
from brainsmith_core.context import BackendOutcome, BuildContext
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.metrics import report_files
from brainsmith_core.metrics.collector import Collected, MetricsCollector
from brainsmith_core.metrics.report import Report, ReportError
from brainsmith_core.metrics.report_views import named_figures
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import Device, MetricParserSpec
from brainsmith_core.result import BuildStatus

HERE = __name__


def parse_area(report: Report) -> Iterator[Metric]:
    for line in report.text.splitlines()[1:]:
        key, _, value = line.partition("=")
        yield report.figure(key, value, "count", Stage.SYNTH, field=key)


def parse_anything(report: Report) -> Iterator[Metric]:
    report.note("read by the general parser")
    yield report.metric("build.status", "ok", "enum", Stage.BUILD)


def parse_forged(report: Report) -> list[Metric]:
    source = MetricSource(file="another.rpt", sha256="0", parser="mine", field="x", formula="y")
    return [Metric(name="util.lut", value=1, unit="count", stage=Stage.SYNTH, source=source)]


def parse_wrong_names(report: Report) -> Iterator[Metric]:
    yield report.metric("util.lutt", 1, "count", Stage.SYNTH)
    yield report.metric("util.lut", 12.5, "%", Stage.SYNTH)
    yield report.metric("util.ff", 2, "count", Stage.SYNTH)


def parse_and_fail(report: Report) -> Iterator[Metric]:
    yield report.metric("util.lut", 1, "count", Stage.SYNTH)
    raise KeyError("where is it?")


def parse_and_exit(report: Report) -> Iterator[Metric]:
    raise SystemExit(3)


def parse_damaged(report: Report) -> Iterator[Metric]:
    yield report.metric("util.lut", 1, "count", Stage.SYNTH)
    raise ReportError("line 2 is cut off")


def parse_to_nothing(report: Report) -> None:
    return None


def parse_to_text(report: Report) -> list[str]:
    return ["util.lut"]


def spec(target: str, *patterns: str, sniff: str = "", priority: int = 0) -> MetricParserSpec:
    name = target.partition(":")[2] or target
    full = target if ":" in target else f"{HERE}:{target}"
    return MetricParserSpec(
        name=name, summary="a parser", target=full, patterns=patterns, sniff=sniff, priority=priority
    )


class Parsers:
    @hookimpl
    def brainsmith_metric_parsers(self) -> Iterator[MetricParserSpec]:
        yield spec("parse_anything", "*.rpt", "*.area")
        yield spec("parse_area", "*.area", sniff=r"^area report", priority=5)
        yield spec("parse_area_again", sniff="area report of another tool", priority=6)
        for name in ("forged", "wrong_names", "and_fail", "and_exit", "damaged", "to_nothing", "to_text"):
            yield spec(f"parse_{name}", f"{name}*.txt")
        yield spec("no_such_module:parse_absent", "absent*.txt")
        yield spec("parse_special", "special_report*.json", sniff=r"^\s*\{")

    @hookimpl
    def brainsmith_devices(self) -> Iterator[Device]:
        yield Device(part="xc7z020clg400-1", boards=("Pynq-Z1",), lut=53_200, source="DS190")


parse_area_again = parse_special = parse_area


@pytest.fixture
def manager() -> PluginManager:
    plugins = PluginManager()
    plugins.register(Parsers(), "readers", "reader-distribution", "1.2.3")
    return plugins


@pytest.fixture
def collector(manager: PluginManager) -> MetricsCollector:
    return MetricsCollector(manager)


@pytest.fixture
def collect(collector: MetricsCollector, tmp_path: Path) -> Callable[..., Collected]:
    def run(**files: str | bytes) -> Collected:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (tmp_path / name.replace("__", ".")).write_bytes(data)
        return collector.collect([tmp_path], tmp_path)

    return run


def only_file(found: Collected) -> tuple[str, str, str]:
    (file,) = found.files
    return file.parser, file.status, file.message


def test_a_figure_names_its_file_with_digest_and_parser(collect: Callable[..., Collected]) -> None:
    text = "area report\nutil.lut=12"
    found = collect(a__area=text)
    (metric,) = found.metrics
    assert metric.value == 12
    assert metric.source == MetricSource(
        file="a.area",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        parser="parse_area",
        version="1.2.3",
        plugin="reader-distribution",
        field="util.lut",
    )
    assert [(use.name, use.role) for use in found.plugins] == [("readers", "parser parse_area")]
    assert found.files[0].metrics == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_report_in_utf_16_with_its_mark_is_read(collect: Callable[..., Collected], encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    data = f"{mark}area report\r\nutil.lut=12\r\n".encode(encoding)
    found = collect(a__area=data)
    assert [metric.value for metric in found.metrics] == [12]
    assert found.metrics[0].source.sha256 == hashlib.sha256(data).hexdigest()
    assert only_file(collect(a__area=data[:-1]))[1] == "parsed"


def test_a_figure_of_a_file_outside_the_root_has_its_whole_path(collector: MetricsCollector, tmp_path: Path) -> None:
    path = tmp_path / "a.area"
    path.write_text("area report\nutil.lut=12")
    found = collector.collect([path], tmp_path / "elsewhere")
    assert found.files[0].file == str(path)


def test_the_parser_of_highest_priority_whose_rule_fits_gets_the_file(collect: Callable[..., Collected]) -> None:
    assert only_file(collect(a__area="area report\n"))[0] == "parse_area"
    assert only_file(collect(a__area="another report\n"))[:2] == ("parse_anything", "parsed")
    assert only_file(collect(a__area="area report of another tool\n"))[0] == "parse_area_again"


def test_the_sniff_sees_the_beginning_only(collect: Callable[..., Collected]) -> None:
    late = "x" * (64 * 1024) + "area report of another tool"
    assert only_file(collect(x__bin=late)) == ("", "unknown", "")


def test_what_no_parser_knows_is_listed_as_unknown(collect: Callable[..., Collected]) -> None:
    assert only_file(collect(x__onnx=b"\x08\x0a\x12")) == ("", "unknown", "")


def test_notes_of_a_parser_are_in_the_files_message(collect: Callable[..., Collected]) -> None:
    assert only_file(collect(x__rpt="")) == ("parse_anything", "parsed", "read by the general parser")


@pytest.mark.parametrize(
    ("content", "message"), [("", "the file is empty"), ("\n", "the file is empty"), ("\x00\x01", "another kind")]
)
def test_a_file_with_a_telling_name_and_other_content_is_unparsable(
    content: str, message: str, collect: Callable[..., Collected]
) -> None:
    parser, status, text = only_file(collect(special_report_1__json=content))
    assert (parser, status) == ("parse_special", "unparsable")
    assert message in text


def test_a_parser_cannot_say_that_its_figures_are_from_another_file(collect: Callable[..., Collected]) -> None:
    (metric,) = collect(forged__txt="x").metrics
    source = metric.source
    assert (source.file, source.parser, source.plugin) == ("forged.txt", "parse_forged", "reader-distribution")
    assert (source.field, source.formula) == ("x", "y")


def test_wrong_names_and_units_are_refused_and_told(collect: Callable[..., Collected]) -> None:
    found = collect(wrong_names__txt="x")
    assert [metric.name for metric in found.metrics] == ["util.ff"]
    assert found.files[0].message.splitlines() == [
        'refused: there is no metric "util.lutt"; did you mean "util.lut"?',
        'refused: util.lut is in "%", but its unit is "count"',
    ]
    assert found.files[0].warning.startswith("wrong_names.txt: refused: ")


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("and_fail", "failed", "KeyError: 'where is it?'"),
        ("and_exit", "failed", "SystemExit: 3"),
        ("to_nothing", "failed", "TypeError"),
        ("to_text", "failed", "'util.lut', which is no Metric"),
        ("absent", "failed", "no_such_module"),
        ("damaged", "unparsable", "line 2 is cut off"),
    ],
)
def test_a_parsers_fault_costs_its_own_file_only(
    name: str, status: str, message: str, collect: Callable[..., Collected]
) -> None:
    found = collect(**{f"{name}__txt": "x", "z__area": "area report\nutil.lut=1"})
    file, good = found.files
    assert (file.parser, file.status) == (f"parse_{name}", status)
    assert message in file.message
    assert ("Traceback" in file.message) == (status == "failed")
    assert good.status == "parsed"
    assert [metric.source.file for metric in found.metrics] == ["z.area"]


def test_a_file_that_is_too_large_is_not_read(
    collect: Callable[..., Collected], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "MAX_BYTES", 20)
    parser, status, message = only_file(collect(a__area="area report\nutil.lut=100000"))
    assert (parser, status) == ("parse_area", "unparsable")
    assert "27 bytes" in message


def test_a_pipe_among_the_reports_holds_nothing_up(collect: Callable[..., Collected], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.area")
    assert only_file(collect()) == ("", "unparsable", "it is no regular file")


@given(st.binary(max_size=300))
def test_any_content_is_contained(data: bytes) -> None:
    plugins = PluginManager()
    plugins.register(Parsers(), "readers", "reader-distribution", "1.2.3")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("x.area", "special_report.json", "damaged.txt"):
            (Path(folder) / name).write_bytes(data)
        found = MetricsCollector(plugins).collect([Path(folder)], Path(folder))
    assert [file.status in ("parsed", "unparsable") for file in found.files] == [True] * 3


def config(**flags: Any) -> BuildConfig:
    return BuildConfig(id="a", model_path="m", output_dir="o", config_flags=flags)


def lut(value: int, stage: Stage = Stage.ESTIMATE) -> Metric:
    return Metric(name="util.lut", value=value, unit="count", stage=stage)


@pytest.mark.parametrize(
    "flags",
    [
        {"board": "pynq-z1"},
        {"target_device": "Pynq-Z1"},
        {"fpga_part": "xc7z020clg400-1"},
        {"target_device": "xc7z020clg484-1"},
        {"fpga_part": "xc0", "board": "Pynq-Z1"},
    ],
)
def test_the_configuration_names_the_device(flags: dict[str, str], collector: MetricsCollector) -> None:
    found = {metric.name: metric.value for metric in collector.derive([lut(5320)], config(**flags))}
    assert found["util.lut.fraction"] == 0.1


def test_else_a_report_names_the_device(collector: MetricsCollector) -> None:
    part = Metric(name="prov.part", value="xc7z020clg400-1", unit="string", stage=Stage.BUILD)
    assert "util.lut.fraction" in {metric.name for metric in collector.derive([lut(1), part])}


def test_without_a_device_there_is_no_fraction(collector: MetricsCollector) -> None:
    assert collector.derive([lut(1)]) == []
    assert collector.derive([lut(1)], config(board="Unknown-1")) == []


@pytest.mark.parametrize("flag", ["synth_clk_period_ns", "target_clock_ns", "clock_period_ns"])
def test_the_configuration_gives_the_clock(flag: str, collector: MetricsCollector) -> None:
    found = collector.derive([lut(1)], config(**{flag: 5}))
    assert [(metric.name, metric.value) for metric in found] == [("perf.clk_mhz", 200.0)]
    for nonsense in (0, -1, "fast", True):
        assert collector.derive([lut(1)], config(**{flag: nonsense})) == []


def test_contradicting_flags_are_an_error(collector: MetricsCollector) -> None:
    with pytest.raises(ConfigurationError, match="contradict"):
        collector.derive([lut(1)], config(synth_clk_period_ns=5, target_clock_ns=10))


def test_reports_in_a_finn_folder_are_summed_up(collector: MetricsCollector, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "a.area").write_text("area report\nutil.lut=12")
    assert collector.collect_from_finn_output(str(tmp_path)).raw_metrics == {"util.lut": 12}
    with pytest.raises(ConfigurationError, match="there is no folder"):
        collector.collect_from_finn_output(tmp_path / "gone")


def test_reports_are_given_by_name_with_their_scopes(collector: MetricsCollector, tmp_path: Path) -> None:
    (tmp_path / "a.area").write_text("area report\nutil.lut=7\nutil.lut.available=14\nmsg.errors=3\n")
    utilisation = {"util.lut": 7, "util.lut.available": 14, "util.lut.fraction": 0.5}
    assert collector.parse_utilization_reports([tmp_path]) == utilisation
    assert collector.parse_synthesis_reports(str(tmp_path / "a.area")) == {**utilisation, "msg.errors": 3}
    assert collector.parse_timing_reports([tmp_path]) == {}
    with pytest.raises(MissingRequirementError, match=r"b\.area doesn't exist"):
        collector.parse_timing_reports([tmp_path / "b.area"])


def test_of_several_stages_the_most_faithful_one_is_given() -> None:
    def figure(value: int, stage: Stage, **scope: str) -> Metric:
        return Metric(name="util.lut", value=value, unit="count", stage=stage, scope=scope)

    found = [figure(1, Stage.ROUTE), figure(2, Stage.SYNTH), figure(3, Stage.HLS, layer="a", module="b")]
    missing = Metric(name="util.ff", unit="count", stage=Stage.ROUTE, status=MetricStatus.MISSING)
    assert named_figures([*found, missing]) == {"util.lut": 1, "util.lut[layer=a,module=b]": 3}
    assert named_figures([]) == {}


def test_figures_in_logs_are_given_by_name(collector: MetricsCollector, tmp_path: Path) -> None:
    path = tmp_path / "a.area"
    path.write_text("area report\nutil.ff=7")
    assert collector.collect_from_logs([path, tmp_path / "gone.log"]) == {"util.ff": 7}


def test_a_build_keeps_what_was_read_and_warns_of_what_was_not(
    run_fake: Callable[..., Any], make_config: Callable[..., BuildConfig], plugins: PluginManager
) -> None:
    plugins.register(Parsers(), "readers", "reader-distribution", "1.2.3")

    def build(context: BuildContext) -> BackendOutcome:
        folder = context.workspace.artifacts
        (folder / "a.area").write_text("area report\nutil.lut=532")
        (folder / "and_fail.txt").write_text("x")
        (folder / "other.bin").write_text("x")
        wrong = Metric(name="util.lut", value=1, unit="%", stage=Stage.HLS)
        return BackendOutcome(reports=(folder,), metrics=(wrong,))

    flags = {"board": "Pynq-Z1", "synth_clk_period_ns": 10.0}
    result = run_fake(make_config(config_flags=flags), build)
    assert result.status is BuildStatus.SUCCESS
    assert result.metrics.raw_metrics["util.lut"] == 532
    assert any("its parser parse_and_fail failed: KeyError" in text for text in result.warnings)
    assert any('backend fake: refused: util.lut is in "%"' in text for text in result.warnings)
