"""`csynth.xml`: the figures of a function that HLS made, and in newer versions those of all functions below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from ...figures import Figures, Scope
from .details import numbered, put_row, record_of
from .names import AVERAGE, BEST, INTERVAL, RESOURCES, WORST, function_scope, loop_names, put_fractions
from .origin import put_origin
from .values import put_cycles, put_number, put_span, put_text, put_time
from .xml_tree import Element, read_xml

__all__ = ["parse"]

_TIMING = {
    "TargetClockPeriod": "timing.period_ns",
    "ClockUncertainty": "timing.uncertainty_ns",
    "EstimatedClockPeriod": "timing.estimated_period_ns",
}
_LATENCY = {
    "Best-caseLatency": BEST,
    "Average-caseLatency": AVERAGE,
    "Worst-caseLatency": WORST,
    "Interval-min": INTERVAL[0],
    "Interval-max": INTERVAL[1],
    "PipelineDepth": "hls.pipeline_depth",
}
_TIMES = {
    "Best-caseRealTimeLatency": "perf.latency_min_ns",
    "Average-caseRealTimeLatency": "perf.latency_avg_ns",
    "Worst-caseRealTimeLatency": "perf.latency_max_ns",
}
_DATAFLOW = ("perf.dataflow_interval_min_cycles", "perf.dataflow_interval_max_cycles")
_LOOP_SPANS = {
    "Latency": ("loop.latency_min_cycles", "loop.latency_max_cycles"),
    "IterationLatency": ("loop.iteration_latency_min_cycles", "loop.iteration_latency_max_cycles"),
}
_LOOP_COUNTS = {"PipelineII": "loop.ii", "PipelineDepth": "loop.depth"}
_LOOP_TIMES = ("loop.latency_min_ns", "loop.latency_max_ns")
#: Elements inside a loop that are no loops themselves.
_OF_LOOP = {
    *("Name", "Slack", "TripCount", "Latency", "AbsoluteTimeLatency", "IterationLatency", "PipelineII"),
    *("PipelineDepth", "PipelineType", "InstanceList"),
}
#: The parts of a report: those read here, and those that repeat settings of the build or stand in its summary.
_PARTS = {
    *("ReportVersion", "UserAssignments", "PerformanceEstimates", "AreaEstimates", "InterfaceSummary"),
    *("RTLDesignHierarchy", "ModuleInformation", "FIFOInformation"),
    *("UserConfigCommands", "Interfaces", "ReportHWInterface", "ReportSWInterface", "ResolutionUrl", "ReportBurst"),
    *("PragmaReport", "FIFO", "Args", "ReturnValue"),
}
#: Without a target HLS prints the greatest number that there is.
_NO_TARGET = "4294967295"


def parse(report: Report) -> Iterator[Metric]:
    """Yield the figures of a synthesis report as XML.

    Args:
        report: the file.

    Raises:
        ReportError: if it holds no figure.
    """
    root, broken = read_xml(report.data)
    figures = Figures(report, Stage.HLS)
    if broken:
        figures.remark("broken off", broken)
    settings = root.child("UserAssignments") or Element("UserAssignments")
    function = _function(root, settings.text("TopModelName"))
    if not function:
        raise ReportError(broken or "the file doesn't say which function it is about")
    scope = function_scope(report.path, function)
    _read_settings(settings, figures, scope)
    _read_performance(root.child("PerformanceEstimates"), figures, scope)
    _read_area(root.child("AreaEstimates"), figures, scope)
    _read_ports(root.child("InterfaceSummary"), figures, scope)
    _read_modules(root, function, report, figures)
    _read_hierarchy(root.path("RTLDesignHierarchy", "TopModule"), figures, scope)
    _read_fifos(root.child("FIFOInformation"), figures, scope)
    for child in root.children:
        if child.tag not in _PARTS:
            figures.remark("unknown element", child.tag)
    found = list(figures.finish())
    if not any(metric.is_present for metric in found):
        raise ReportError(broken or "the file holds no figure of HLS")
    header = settings.texts() | {"Version": root.text("ReportVersion", "Version")}
    yield from put_origin(report, "", header)
    yield from found


def _function(root: Element, top: str) -> str:
    """Return the function that a report is about: its ports say so; the settings name only the top of the design."""
    ports = root.child("InterfaceSummary")
    for port in ports.children if ports else ():
        if port.text("Type") == "return value" and port.text("Object"):
            return port.text("Object")
    return top


def _read_settings(settings: Element, figures: Figures, scope: Scope) -> None:
    for field in ("TargetClockPeriod", "ClockUncertainty"):
        if settings.child(field):
            put_number(figures, _TIMING[field], settings.text(field), field, scope)
    target = settings.text("TargetInitiationInterval")
    if target and target != _NO_TARGET:
        put_cycles(figures, "hls.interval_target_cycles", target, "TargetInitiationInterval", scope)


def _read_performance(element: Element | None, figures: Figures, scope: Scope) -> None:
    if element is None:
        return
    put_text(figures, "hls.pipeline_type", element.text("PipelineType"), "PipelineType", scope)
    timing = element.child("SummaryOfTimingAnalysis")
    for field, text in (timing.texts() if timing else {}).items():
        if field in _TIMING and not figures.has(_TIMING[field], scope):
            put_number(figures, _TIMING[field], text, field, scope)
    latency = element.child("SummaryOfOverallLatency")
    for child in latency.children if latency else ():
        _put_latency(child, figures, scope)
    loops = element.child("SummaryOfLoopLatency")
    if loops:
        _read_loops(loops, figures, scope)
    _read_violations(element.child("SummaryOfViolations"), figures, scope)


def _put_latency(element: Element, figures: Figures, scope: Scope) -> None:
    field, text = element.tag, element.content
    if field in _LATENCY:
        put_cycles(figures, _LATENCY[field], text, field, scope)
    elif field in _TIMES:
        put_time(figures, _TIMES[field], text, field, scope)
    elif field == "DataflowPipelineThroughput":
        put_span(figures, _DATAFLOW, _span(element), field, scope)
    elif field == "PipelineInitiationInterval":
        if not figures.has(INTERVAL[0], scope):
            put_span(figures, INTERVAL, text, field, scope)
    elif field == "PipelineType":
        if not figures.has("hls.pipeline_type", scope):
            put_text(figures, "hls.pipeline_type", text, field, scope)
    elif field != "unit":
        figures.remark("unknown element", f"{field} of the latency")


def _span(element: Element) -> str:
    """Return a number, or least and greatest one as `2 ~ 5`, as text."""
    span = element.child("range")
    return f"{span.text('min')} ~ {span.text('max')}" if span else element.content


def _read_loops(summary: Element, figures: Figures, scope: Scope) -> None:
    """Add the figures of all loops; those inside of others are elements inside of their elements."""
    loops: list[tuple[tuple[str, ...], Element]] = []
    waiting: list[tuple[tuple[str, ...], Element]] = [((_name(loop),), loop) for loop in reversed(summary.children)]
    while waiting:
        path, loop = waiting.pop()
        loops.append((path, loop))
        inner = [child for child in loop.children if child.tag not in _OF_LOOP]
        waiting += [((*path, _name(child)), child) for child in reversed(inner)]
    names = loop_names([path for path, _ in loops])
    for name, (_, loop) in zip(names, loops, strict=True):
        for child in loop.children:
            if child.tag in _OF_LOOP:
                _put_loop(child, figures, (*scope, ("loop", name)))


def _name(loop: Element) -> str:
    return loop.text("Name") or loop.tag


def _put_loop(element: Element, figures: Figures, scope: Scope) -> None:
    field, text = element.tag, _span(element)
    if field in _LOOP_SPANS:
        put_span(figures, _LOOP_SPANS[field], text, field, scope)
    elif field in _LOOP_COUNTS:
        put_cycles(figures, _LOOP_COUNTS[field], text, field, scope)
    elif field == "TripCount" and "~" in text:
        put_span(figures, ("loop.trip_count_min", "loop.trip_count_max"), text, field, scope)
    elif field == "TripCount":
        put_cycles(figures, "loop.trip_count", text, field, scope)
    elif field == "AbsoluteTimeLatency":
        _put_loop_time(figures, text, scope)
    elif field == "Slack":
        put_number(figures, "loop.slack_ns", text, field, scope)
    elif field == "PipelineType":
        put_text(figures, "loop.pipelined", text, field, scope)


def _put_loop_time(figures: Figures, text: str, scope: Scope) -> None:
    """Add the time that a loop takes, unless it is known: the list of modules gives it again, with fewer digits."""
    low, _, high = text.partition(" ~ ")
    for name, part in zip(_LOOP_TIMES, (low, high or low), strict=True):
        if not figures.has(name, scope):
            put_time(figures, name, part, "AbsoluteTimeLatency", scope)


def _read_violations(element: Element | None, figures: Figures, scope: Scope) -> None:
    """Add why the function or its loops aren't as fast as was asked for."""
    if element is None:
        return
    waiting: list[tuple[Element, Scope, str]] = [(element, scope, "hls.issue")]
    while waiting:
        each, about, name = waiting.pop()
        kind, why = each.text("IssueType"), each.text("ViolationType")
        put_text(figures, name, f"{kind}: {why}" if why not in ("", "-") else kind, "IssueType", about)
        loops = each.child("SummaryOfLoopViolations")
        inner = loops.children if loops else []
        waiting += [(loop, (*scope, ("loop", _name(loop))), "loop.issue") for loop in inner]


def _read_area(element: Element | None, figures: Figures, scope: Scope) -> None:
    if element is None:
        return
    used, available = element.child("Resources"), element.child("AvailableResources")
    _put_resources(used.texts() if used else {}, figures, scope, "")
    _put_resources(available.texts() if available else {}, figures, (), ".available")
    put_fractions(figures, scope, RESOURCES.values())


def _put_resources(texts: Mapping[str, str], figures: Figures, scope: Scope, suffix: str) -> None:
    """Add counts of resources."""
    for field, text in texts.items():
        if field in RESOURCES:
            put_cycles(figures, RESOURCES[field] + suffix, text, field, scope)
        elif not field.startswith(("UTIL_", "AVAIL_")):
            figures.remark("unknown element", f"{field} of the resources")


def _read_ports(element: Element | None, figures: Figures, scope: Scope) -> None:
    for port in element.children if element else ():
        texts = port.texts()
        name = texts.pop("name", "")
        if port.tag != "RtlPorts" or not name:
            continue
        figures.put("hls.port", record_of(list(texts), list(texts.values())), "RtlPorts", (*scope, ("port", name)))


def _read_modules(root: Element, function: str, report: Report, figures: Figures) -> None:
    """Add the figures of the functions that the report lists one by one."""
    listed = root.child("ModuleInformation")
    for module in listed.children if listed else ():
        name = module.text("Name")
        if module.tag != "Module" or not name:
            continue
        scope = function_scope(report.path, name)
        _read_performance(module.child("PerformanceEstimates"), figures, scope)
        resources = module.path("AreaEstimates", "Resources")
        texts = resources.texts() if resources else {}
        if name == function:
            _compare(texts, figures, scope)
        else:
            _put_resources(texts, figures, scope, "")
            put_fractions(figures, scope, RESOURCES.values())
        _read_operations(module.child("BindNodes"), figures, scope)


def _compare(texts: Mapping[str, str], figures: Figures, scope: Scope) -> None:
    """Note where the list of functions counts the report's own function in another way; its own part holds."""
    for field, text in texts.items():
        known = figures.get(RESOURCES[field], scope) if field in RESOURCES else None
        if known is not None and text != str(known):
            figures.remark("given twice", f"{field} as {known} and as {text}")


def _read_hierarchy(top: Element | None, figures: Figures, scope: Scope) -> None:
    """Add which function each instance is made of, by its path from the top."""
    waiting = [("", top)] if top else []
    while waiting:
        path, parent = waiting.pop()
        listed = parent.child("InstancesList")
        for instance in reversed(listed.children if listed else []):
            if not instance.text("InstName"):
                continue
            name = f"{path}{instance.text('InstName')}"
            put_text(
                figures, "instance.module", instance.text("ModuleName"), "ModuleName", (*scope, ("instance", name))
            )
            waiting.append((f"{name}/", instance))


def _read_fifos(element: Element | None, figures: Figures, scope: Scope) -> None:
    for fifo in element.children if element else ():
        depth = fifo.text("StaticDepth")
        if fifo.text("Name") and depth:
            put_cycles(figures, "fifo.depth", depth, "StaticDepth", (*scope, ("fifo", fifo.text("Name"))))


def _read_operations(element: Element | None, figures: Figures, scope: Scope) -> None:
    """Add what single operators and memories of a function take."""
    nodes = [node.attributes for node in (element.children if element else ()) if node.attributes.get("RTLNAME")]
    names = numbered([node["RTLNAME"] for node in nodes])
    for node, name in zip(nodes, names, strict=True):
        about = (*scope, ("operation", name))
        record = record_of([key for key in node if key != "RTLNAME"], [node[key] for key in node if key != "RTLNAME"])
        figures.put("hls.operation", record, "BindNode", about)
        put_row(figures, _OPERATION, [node.get(field, "") for _, field in _OPERATION], about, zeros=False)


_OPERATION = (("util.bram_18k", "BRAM"), ("util.dsp", "DSP"), ("util.uram", "URAM"))
