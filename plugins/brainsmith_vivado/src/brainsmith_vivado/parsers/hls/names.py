"""What HLS reports are about, and what they call things."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...figures import Figures, Scope

__all__ = [
    "AVERAGE",
    "BEST",
    "INTERVAL",
    "RESOURCES",
    "WORST",
    "function_scope",
    "loop_names",
    "put_fractions",
    "tool_of",
]

#: Resources by the names that HLS gives them; the DSP blocks' name depends on the device family and version.
RESOURCES = {
    "BRAM_18K": "util.bram_18k",
    "DSP": "util.dsp",
    "DSP48E": "util.dsp",
    "DSP58E": "util.dsp",
    "FF": "util.ff",
    "LUT": "util.lut",
    "URAM": "util.uram",
}
BEST, AVERAGE, WORST = "perf.latency_min_cycles", "perf.latency_avg_cycles", "perf.latency_max_cycles"
INTERVAL = ("perf.interval_min_cycles", "perf.interval_max_cycles")

#: FINN generates each layer's IP in a folder of its own, named after the layer, with a random ending.
_LAYER = re.compile(r"code_gen_ipgen_(.+)_[a-z0-9_]{8}")
_VERSION = re.compile(r"([0-9]{4})\.([0-9])")


def function_scope(path: Path, function: str) -> Scope:
    """Return what a report about a function is about: the layer that it is, or is part of.

    Args:
        path: the report. function: the function's name; "" if the report doesn't give it.

    Example:
        >>> function_scope(Path("code_gen_ipgen_MVAU_hls_0_a1b2c3_d/x.xml"), "Matrix_Vector_Activate")
        (('layer', 'MVAU_hls_0'), ('module', 'Matrix_Vector_Activate'))
        >>> function_scope(Path("syn/report/conv1_csynth.rpt"), "conv1")
        (('layer', 'conv1'),)
    """
    found = (_LAYER.fullmatch(part) for part in path.parts)
    layer = next((match[1] for match in found if match), "")
    if not function:
        return (("layer", layer),) if layer else ()
    if layer and layer != function:
        return (("layer", layer), ("module", function))
    return (("layer", function),)


def loop_names(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the names of loops: their own, or with those of the loops around them where that wouldn't tell them apart.

    Args:
        paths: for each loop the names of the loops around it, and its own.

    Example:
        >>> loop_names([("rows",), ("rows", "cols"), ("other", "cols")])
        ['rows', 'rows/cols', 'other/cols']
    """
    own = Counter(path[-1] for path in paths)
    names = ["/".join(path) if own[path[-1]] > 1 else path[-1] for path in paths]
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[place] = f"{name}#{seen[name]}"
    return names


def put_fractions(figures: Figures, scope: Scope, resources: Iterable[str]) -> None:
    """Add the share of each resource that is used, where both counts are known."""
    for name in dict.fromkeys(resources):
        used, available = figures.get(name, scope), figures.get(f"{name}.available")
        if used is not None and available:
            figures.put(f"{name}.fraction", used / available, name, scope, formula="used / available")


def tool_of(version: str) -> str:
    """Return what the tool of a version was called.

    Example:
        >>> tool_of("2018.3"), tool_of("2022.1"), tool_of("2020.1")
        ('vivado_hls', 'vitis_hls', 'hls')
    """
    found = _VERSION.match(version)
    if not found or (int(found[1]), int(found[2])) == (2020, 1):
        return "hls"  # both were part of 2020.1
    return "vivado_hls" if int(found[1]) < 2020 else "vitis_hls"
