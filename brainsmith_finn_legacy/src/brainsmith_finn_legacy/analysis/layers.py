"""The layers of a build with what is known of each: attributes, folding, work, estimated cycles and resources."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import attrs

from brainsmith_core.metric import Stage

from .build_figures import BuildFigures
from .cycle_formulas import Attributes, formula_of, operator_of
from .onnx_nodes import Attribute

__all__ = ["RESOURCES", "Layer", "layers_of"]

#: The resources that are compared between stages, by metric.
RESOURCES = ("util.lut", "util.ff", "util.bram_18k", "util.uram", "util.dsp")

#: Settings in FINN's folding configurations, by metric; models have them as attributes.
_SETTINGS = {
    "config.pe": "PE",
    "config.simd": "SIMD",
    "config.ram_style": "ram_style",
    "config.res_type": "resType",
    "config.mem_mode": "mem_mode",
    "config.parallel_window": "parallel_window",
    "config.ram_style_thresholds": "ram_style_thresholds",
}


@attrs.frozen(kw_only=True)
class Layer:
    """A layer of FINN's dataflow graph as it was built.

    Args:
        name: its name in FINN's reports.
        op_type: its operator, such as `MVAU_hls`.
        attributes: FINN's attributes as far as they are known: all of them from a model, the folding from reports.
        cycles: cycles for one frame, as FINN estimates them.
        macs: multiplications with additions for one frame; None if the report on operations isn't there.
        resources: estimated resources by metric.
        inputs: names of its input tensors; empty without a model.
        outputs: names of its output tensors.
    """

    name: str
    op_type: str
    attributes: dict[str, Attribute] = attrs.field(factory=dict)
    cycles: int | None = None
    macs: float | None = None
    resources: dict[str, float] = attrs.field(factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def operator(self) -> str:
        """The operator without the way in which it is implemented."""
        return operator_of(self.op_type)

    @property
    def folding(self) -> dict[str, int]:
        """The parallelism that it was built with, by FINN's attribute; without those that aren't known."""
        known = formula_of(self.op_type)
        names = known.folds if known else ("PE", "SIMD")
        found = {name: self.attributes.get(name) for name in names}
        return {name: value for name, value in found.items() if isinstance(value, int)}

    @property
    def multiplies(self) -> bool:
        """Whether its work is multiplications with additions."""
        return self.operator in ("MVAU", "VVAU")

    @property
    def multipliers(self) -> int | None:
        """The multiplications with additions that it can do in a cycle: PE x SIMD.

        None for a layer that does none, where the folding isn't known, and where operations, cycles and folding
        contradict each other: then the reports aren't all of one build.
        """
        if not self.multiplies or len(self.folding) < len(("PE", "SIMD")):
            return None
        parallel = prod(self.folding.values())
        known = self.macs is not None and self.cycles is not None
        return None if known and self.macs != (self.cycles or 0) * parallel else parallel

    def folded(self, folding: Mapping[str, int]) -> Attributes:
        """Return its attributes with another folding."""
        return {**self.attributes, **folding}


def layers_of(build: BuildFigures) -> dict[str, Layer]:
    """Return the layers that a build's estimates know, by name, in their order.

    Args:
        build: its figures; without a model, attributes other than the settings are missing.
    """
    cycles = {
        each.scope["layer"]: each.number for each in build.named("perf.cycles", Stage.ESTIMATE) if "layer" in each.scope
    }
    nodes = {node.name: node for node in build.nodes}
    settings, macs, resources = _settings(build), _macs(build), _resources(build)
    found: dict[str, Layer] = {}
    for name, count in cycles.items():
        node = nodes.get(name)
        found[name] = Layer(
            name=name,
            op_type=node.op_type if node else name.rpartition("_")[0],
            # What was applied is in the model; a folding file may have been written before it was changed again.
            attributes={**settings.get(name, {}), **(node.attributes if node else {})},
            cycles=None if count is None else int(count),
            macs=macs.get(name),
            resources=resources.get(name, {}),
            inputs=node.inputs if node else (),
            outputs=node.outputs if node else (),
        )
    return found


def _settings(build: BuildFigures) -> dict[str, dict[str, Attribute]]:
    found: dict[str, dict[str, Attribute]] = {}
    for each in build.metrics:
        attribute = _SETTINGS.get(each.name)
        if attribute and "layer" in each.scope and isinstance(each.value, int | float | str):
            found.setdefault(each.scope["layer"], {})[attribute] = each.value
    return found


def _macs(build: BuildFigures) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in build.named("model.ops.mac"):
        layer = each.scope.get("layer")
        if layer and each.number is not None:
            found[layer] = found.get(layer, 0) + each.number
    return found


def _resources(build: BuildFigures) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for each in build.metrics:
        # Figures of another method stand in a scope of their own.
        whole = each.stage is Stage.ESTIMATE and [*each.scope] == ["layer"]
        if whole and each.name in RESOURCES and each.number is not None:
            found.setdefault(each.scope["layer"], {})[each.name] = each.number
    return found
