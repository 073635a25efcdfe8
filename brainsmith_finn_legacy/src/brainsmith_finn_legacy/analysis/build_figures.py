"""What is known of a finished build: its metrics, its layers' attributes, its clock; read from wherever it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from brainsmith_core.build.workspace import Workspace
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.metric import Metric, MetricStatus, Stage
from brainsmith_core.metrics.collector import MetricsCollector
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.result import BuildResult

from .onnx_nodes import Node, read_nodes

__all__ = ["BuildFigures", "BuildSource", "read_build"]

_LAYERS = "finn.custom_op.fpgadataflow"


@attrs.frozen(kw_only=True)
class BuildFigures:
    """All figures of one build.

    Args:
        name: what to call it in messages: its folder, or how many figures it is.
        metrics: the figures that are there, each with stage, scope and source.
        nodes: FINN's layers with their attributes, from the model that the build ended with; empty where there is none.
        model: the file that the nodes were read from, or "".
    """

    name: str
    metrics: tuple[Metric, ...] = attrs.field(repr=False)
    nodes: tuple[Node, ...] = attrs.field(default=(), repr=False)
    model: str = ""

    def find(self, name: str, stage: Stage | None = None, **scope: str) -> Metric | None:
        """Return the figure of a name and a scope; of several the last one.

        Args:
            name: the metric.
            stage: where it was obtained; None for any stage.
            scope: what it is about; nothing: the whole design.
        """
        found = (each for each in self.named(name, stage) if each.scope == scope)
        return next(iter([*found][-1:]), None)

    def named(self, name: str, stage: Stage | None = None) -> Iterator[Metric]:
        """Yield the figures of a name, of all scopes."""
        return (each for each in self.metrics if each.name == name and stage in (None, each.stage))

    @property
    def simulated(self) -> bool:
        """Whether any figure is a simulated one."""
        return any(each.status is MetricStatus.SIMULATED for each in self.metrics)

    @property
    def clock_ns(self) -> float | None:
        """The clock period that the estimates were made for; None where no report tells."""
        found = self.find("perf.clk_mhz", Stage.ESTIMATE)
        return 1000 / found.number if found and found.number else None


#: Where figures of a build may come from.
BuildSource = BuildFigures | BuildResult | str | Path | Iterable[Metric]


def read_build(source: BuildSource, plugins: PluginManager | None = None) -> BuildFigures:
    """Return what is known of a build.

    Args:
        source: a result, the folder of a build, a FINN output folder, a single report, or metrics.
        plugins: whose parsers read reports; else those of this environment.

    Raises:
        MissingRequirementError: if there is no such file or folder, or it holds no figure.
        ConfigurationError: if the source is of another kind.
    """
    if isinstance(source, BuildFigures):
        return source
    if isinstance(source, BuildResult):
        if not source.output_dir:
            raise ConfigurationError(
                f"the result of {source.config_id} names no folder", hint="give the build's folder"
            )
        return _from_path(Path(source.output_dir), plugins)
    if isinstance(source, str | Path):
        return _from_path(Path(source), plugins)
    return _from_metrics(source)


def _from_metrics(source: object) -> BuildFigures:
    metrics = [*source] if isinstance(source, Iterable) else []
    figures = [each for each in metrics if isinstance(each, Metric)]
    if not figures or len(figures) < len(metrics):
        text = f"figures of a build can't be read from {type(source).__name__}"
        raise ConfigurationError(text, hint="give a BuildResult, a build's folder, reports, or metrics")
    return BuildFigures(name=f"{len(figures)} metrics", metrics=_present(figures))


def _from_path(path: Path, plugins: PluginManager | None) -> BuildFigures:
    if not path.exists():
        raise MissingRequirementError(f"{path} doesn't exist", hint="give the folder of a build, or a report")
    workspace = Workspace(path)
    if workspace.metrics.is_file():
        metrics = workspace.read_metrics()
    else:
        collector = MetricsCollector(plugins)
        found = collector.collect([path], path if path.is_dir() else path.parent).metrics
        metrics = [*found, *collector.derive(found)]
    present = _present(metrics)
    if not present:
        raise MissingRequirementError(
            f"{path} holds no figure that can be read", hint="see what became of each file: brainsmith metrics parse"
        )
    nodes, model = _layers(path, present) if path.is_dir() else ((), "")
    return BuildFigures(name=str(path), metrics=present, nodes=nodes, model=model)


def _present(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    return tuple(each for each in metrics if each.is_present)


def _layers(root: Path, metrics: Iterable[Metric]) -> tuple[tuple[Node, ...], str]:
    """Return the layers of the model that the estimates are of: the newest one that has all of them."""
    wanted = {each.scope["layer"] for each in metrics if each.name == "perf.cycles" and "layer" in each.scope}
    if not wanted:
        return (), ""
    for path in _models(root):
        try:
            nodes = tuple(node for node in read_nodes(path) if node.domain.startswith(_LAYERS))
        except (OSError, ValueError):
            continue  # another model may be whole; without any, what needs attributes is missing
        if wanted <= {node.name for node in nodes}:
            return nodes, str(path.relative_to(root))
    return (), ""


def _models(root: Path) -> Iterator[Path]:
    """Yield the models in which the folded layers may be, likeliest first."""
    yield from (path for path in [root / "final_model.onnx"] if path.is_file())
    saved = (path for folder in root.rglob("intermediate_models") for path in folder.rglob("*.onnx"))
    reports = [path for path in saved if path.is_file()]
    reports.sort(key=lambda path: ("generate_estimate_reports" in path.name, path.stat().st_mtime), reverse=True)
    yield from reports
