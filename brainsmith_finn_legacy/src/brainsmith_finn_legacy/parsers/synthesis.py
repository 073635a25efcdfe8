"""Resources and timing after out-of-context synthesis and after implementation, as FINN's JSON files give them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError, read_number

from .reading import Field, as_object, fields, note_unknown, read_object

__all__ = ["parse_out_of_context", "parse_post_synthesis"]

_RESOURCES = {
    "LUT": Field("util.lut", "count"),
    "LUTRAM": Field("util.lutram", "count"),
    "SRL": Field("util.srl", "count"),
    "FF": Field("util.ff", "count"),
    "DSP": Field("util.dsp", "count"),
    "DSP48": Field("util.dsp", "count"),
    "BRAM_36K": Field("util.ramb36", "count"),
    "BRAM_18K": Field("util.ramb18", "count"),
    "URAM": Field("util.uram", "count"),
    "Carry": Field("util.carry", "count"),
}
_OUT_OF_CONTEXT = {
    **_RESOURCES,
    # 36 Kb blocks plus half of the 18 Kb ones, cut to a whole number.
    "BRAM": Field("util.bram_36k_floor", "36 Kb tiles"),
    "WNS": Field("timing.setup.wns_ns", "ns", signed=True),
    "Delay": Field("timing.finn_delay_ns", "ns", signed=True),
    "total_power_W": Field("power.total_w", "W"),
    "clk_period_ns": Field("timing.period_ns", "ns"),
}
_TEXTS = {"vivado_version": "prov.tool_version", "vivado_build_no": "prov.tool_build"}
_PATHS = ("vivado_proj_folder", "routed_dcp")
_RATES = ("fmax_mhz", "estimated_throughput_fps")
#: FINN counts an empty line of the tool's output as a field without a name.
_NO_FIELD = ""


def parse_out_of_context(report: Report) -> Iterator[Metric]:
    """Yield resources and timing of out-of-context synthesis (`ooc_synth_and_timing.json`), both schemas.

    In the older schema FINN turns what it can't read into the integer 0, where a real figure is a float; in both,
    the greatest clock and the throughput that follows from it are wrong where the slack is 0 or missing.
    """
    values = read_object(report)
    older = "clk_period_ns" not in values
    for key, raw in values.items():
        if key in _OUT_OF_CONTEXT:
            yield from _figure(report, key, raw, older)
        elif key in _TEXTS and raw is not None:
            scope = {"tool": "vivado"}
            yield report.metric(_TEXTS[key], _text(raw), "string", Stage.BUILD, scope, field=key)
        elif key in _PATHS:
            yield report.metric("artifact.path", raw, "string", Stage.BUILD, {"artifact": key}, field=key)
        elif key not in _RATES and key != _NO_FIELD:
            note_unknown(report, key)
    yield from _rates(report, values)


def _figure(report: Report, key: str, raw: JSONValue, older: bool) -> Iterator[Metric]:
    if older and raw == 0 and isinstance(raw, int):
        field = _OUT_OF_CONTEXT[key]
        report.note(f"{key}: FINN writes the integer 0 for a figure that it couldn't read")
        yield report.unparsable(field.name, raw, field.unit, Stage.OOC, field=key)
    else:
        yield from fields(report, {key: raw}, _OUT_OF_CONTEXT, Stage.OOC)


def _text(raw: JSONValue) -> str:
    """A version or build number, which older versions write as a float."""
    return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)


def _rates(report: Report, values: Mapping[str, JSONValue]) -> Iterator[Metric]:
    """Yield the greatest clock, calculated anew where the period is known, and the throughput at that clock."""
    given, wns = read_number(values.get("fmax_mhz")), read_number(values.get("WNS"))
    period = read_number(values.get("clk_period_ns"))
    slack_known = wns is not None and not (period is None and _is_unread(values.get("WNS")))
    fmax: float | None = None
    formula = None
    if slack_known and wns is not None and period is not None and period > wns:
        fmax, formula = 1000 / (period - wns), "1000 / (clk_period_ns - WNS)"
    elif slack_known and period is None and given is not None and given > 0:
        fmax = given
    if "fmax_mhz" in values or fmax is not None:
        yield report.metric("timing.fmax_mhz", fmax, "MHz", Stage.OOC, field="fmax_mhz", formula=formula)
    if "estimated_throughput_fps" in values:
        right = fmax is not None and given is not None and given > 0
        raw = values["estimated_throughput_fps"] if right else None
        yield report.figure("perf.throughput_fps", raw, "frames/s", Stage.OOC, field="estimated_throughput_fps")


def _is_unread(raw: JSONValue) -> bool:
    return isinstance(raw, int) and raw == 0


#: Alveo builds from FINN+ 1.5 write one file for each card.
_CARD = re.compile(r"(.*post_synth_resources_)([0-9]+)(\.json)\Z")
_TOP = "(top)"


def parse_post_synthesis(report: Report) -> Iterator[Metric]:
    """Yield the resources of the whole design and its instances (`post_synth_resources.json` and its kin).

    FINN reads them from the routed design; those of the stitched IP's checkpoint are from synthesis.
    """
    values = read_object(report)
    stage = Stage.SYNTH if "_dcp" in report.name else Stage.ROUTE
    if values and all(key.isdigit() for key in values):
        for card, instances in values.items():
            scope = {"device": card} if len(values) > 1 else {}
            yield from _instances(report, as_object(instances, f'the entry "{card}"'), stage, scope)
    else:
        yield from _instances(report, values, stage, _card_scope(report))


def _instances(
    report: Report, values: Mapping[str, JSONValue], stage: Stage, scope: Mapping[str, str]
) -> Iterator[Metric]:
    if _TOP not in values:
        raise ReportError('the entry "(top)" is missing')
    for instance, resources in values.items():
        place = dict(scope) if instance == _TOP else {**scope, "instance": instance}
        yield from fields(report, as_object(resources, f'the entry "{instance}"'), _RESOURCES, stage, place)


def _card_scope(report: Report) -> dict[str, str]:
    """Return the scope of a file of one card; empty if there is no file of another card beside it."""
    found = _CARD.match(report.name)
    if found is None:
        return {}
    others = report.path.parent.glob(f"*post_synth_resources_[0-9]*{found.group(3)}")
    kin = {path.name for path in others if (match := _CARD.match(path.name)) and match.group(1) == found.group(1)}
    return {"device": found.group(2)} if len(kin) > 1 else {}
