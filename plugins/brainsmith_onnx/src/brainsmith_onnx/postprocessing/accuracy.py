"""The step `accuracy_validation`: run the model, and FINN's stages of it, over a dataset, batch by batch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import attrs

from brainsmith_core.build.workspace import file_digest
from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import BrainsmithError, ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage

from ..datasets import Batch, Dataset, open_dataset
from .graph_run import GraphRun, RunSettings, prepare
from .graphs import ORIGINAL, PROCESSED, Graph, find_graphs, original_graph
from .report import report_stem, write_report
from .scoring import TopK, make_score

__all__ = ["run"]

_STEP = "accuracy_validation"
_NORMALIZES = "input_normalization"
_PROGRESS_S = 2.0
_READ_BYTES = 4 * 2**20  # of samples at once; more is no faster
_READ_MOST = 1024


def run(context: StepContext) -> StepOutcome:
    """Measure accuracy over a dataset; writes `accuracy_validation.json`.

    Raises:
        ConfigurationError: if the dataset can't be read or doesn't belong to the model, or the model can't be run.
        MissingRequirementError: if there is no such dataset.
    """
    source = _Source.of(context.parameters)
    with source.open() as dataset:
        validation = _Validation(context, source, dataset)
        validation.run()
        return validation.outcome()


@attrs.frozen(kw_only=True)
class _Source:
    """Where the samples come from."""

    path: Path
    labels: Path | None
    names: dict[str, str | None]
    limit: int | None

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> _Source:
        labels = parameters["labels_npy"]
        return cls(
            path=Path(parameters["dataset"]),
            labels=None if labels is None else Path(labels),
            names={name: parameters[name] for name in ("inputs_name", "labels_name")},
            limit=parameters["max_samples"],
        )

    def open(self) -> Dataset:
        """Open the dataset at its beginning."""
        return open_dataset(self.path, self.labels, **self.names)

    def first(self, count: int) -> Batch:
        """Return the first samples."""
        with self.open() as dataset:
            return next(dataset.batches(count, self.limit))


def _settings(parameters: dict[str, Any]) -> RunSettings:
    return RunSettings(
        score=make_score(parameters["method"], parameters["k"]),
        **{field.name: parameters[field.name] for field in attrs.fields(RunSettings) if field.name != "score"},
    )


class _Validation:
    """One run of the step: all graphs go through the dataset together, so that it is read once."""

    def __init__(self, context: StepContext, source: _Source, dataset: Dataset) -> None:
        parameters: dict[str, Any] = context.parameters
        self.context, self.source, self.dataset = context, source, dataset
        self.settings = _settings(parameters)
        self.total = len(dataset) if source.limit is None else min(source.limit, len(dataset))
        self.missing: dict[str, str] = {}
        self.seconds = 0.0
        self.probe = source.first(self.settings.check_samples)
        self.runs = dict(self._prepared(find_graphs(context, parameters["graphs"])))
        self.original: GraphRun | None = None
        self.original_source = source
        self.not_compared = ""
        self._prepare_original(parameters["compare"], parameters["original_dataset"])

    def run(self) -> None:
        """Go through the dataset once."""
        started = shown = time.monotonic()
        for batch, other in self._batches():
            outputs = {name: run.outputs(batch) for name, run in self.runs.items()}
            if self.original is not None:
                same = self.original is self.runs.get(PROCESSED)
                original = outputs[PROCESSED] if same else self.original.outputs(other or batch)
                for name, run in self.runs.items():
                    run.compare(batch, outputs[name], original)
            done = batch.start + len(batch)
            self.context.progress(done, self.total, "samples")
            if time.monotonic() - shown > _PROGRESS_S:
                shown = time.monotonic()
                self._show(done)
        self.seconds = time.monotonic() - started
        self._show(self.total)

    def outcome(self) -> StepOutcome:
        """Return figures and report."""
        source = MetricSource(
            file=self.context.workspace.relative(self.source.path.absolute()),
            sha256=file_digest(self.source.path) if self.source.path.is_file() else "",
            field=self.settings.score.title,
        )
        artifacts = self._write_disagreements()
        artifacts |= write_report(self.context, _STEP, self._data(source))
        warnings = [f"accuracy of the {name} graph is missing: {reason}" for name, reason in self.missing.items()]
        return StepOutcome(metrics=list(self._metrics(source)), artifacts=artifacts, warnings=warnings)

    def _prepared(self, graphs: list[Graph]) -> Iterator[tuple[str, GraphRun]]:
        """Yield the graphs that can be run; only the processed one must be among them."""
        for graph in graphs:
            try:
                if graph.reason:
                    raise ConfigurationError(graph.reason)
                yield graph.name, prepare(self.context, graph, self.dataset, self.probe, self.settings)
            except BrainsmithError as error:
                if graph.name == PROCESSED:
                    raise
                self.missing[graph.name] = " ".join(str(error).split())

    def _prepare_original(self, compare: bool, other: str | None) -> None:
        """Get the original model ready to compare with, or note why it isn't compared."""
        if not compare:
            self.not_compared = "compare is false"
            return
        if other is None and any(
            each.enabled and each.name == _NORMALIZES for each in self.context.config.preprocessing
        ):
            # Both would take the same samples, and mean something else by them: no agreement that says anything.
            self.not_compared = f"{_NORMALIZES} changed what the input means: give original_dataset"
            return
        graph, processed = original_graph(self.context), self.runs.get(PROCESSED)
        if processed is not None and other is None and processed.digest == file_digest(graph.path):
            self.original = processed
            return
        try:
            self._open_original(graph, other)
        except BrainsmithError as error:
            self.not_compared = f"the original model can't be run on this dataset: {' '.join(str(error).split())}"

    def _open_original(self, graph: Graph, other: str | None) -> None:
        source = self.source if other is None else attrs.evolve(self.source, path=Path(other))
        with source.open() as dataset:
            if len(dataset) != len(self.dataset):
                text = f"original_dataset has {len(dataset)} samples, the dataset {len(self.dataset)}"
                raise ConfigurationError(text, hint="give the same samples in the same order")
            probe = source.first(self.settings.check_samples)
            self.original = prepare(self.context, graph, dataset, probe, self.settings)
        self.original_source = source

    def _batches(self) -> Iterator[tuple[Batch, Batch | None]]:
        """Yield batches, each with the same samples as the original model takes them if they are others."""
        item = max(1, self.dataset.dtype.itemsize * math.prod(self.dataset.sample_shape))
        batches = [run.engine.input.batch or 1 for run in self.runs.values()]
        size = max(min(_READ_MOST, _READ_BYTES // item), *batches, 1)
        mine = self.dataset.batches(size, self.source.limit)
        if self.original_source is self.source:
            yield from zip(mine, repeat(None))
            return
        with self.original_source.open() as dataset:
            yield from zip(mine, dataset.batches(size, self.source.limit), strict=True)

    def _show(self, done: int) -> None:
        """Print how far it is; a step's output is in its log."""
        parts = [f"{name} {run.total.mean:.4f}" for name, run in self.runs.items() if run.total.count]
        text = f"{done}/{self.total} samples ({done / self.total:.0%}), {self.settings.score.title}: {', '.join(parts)}"
        print(text, flush=True)  # noqa: T201 - the step's log is what it prints

    def _write_disagreements(self) -> dict[str, str]:
        found = {}
        for name, run in self.runs.items():
            stem = f"{report_stem(self.context, _STEP)}_{Path(name).stem}_disagreements"
            path = Path(self.context.report_dir) / f"{stem}.npz"
            if run.agreement is not None and run.agreement.write(path):
                found[stem] = str(path)
        return found

    def _data(self, source: MetricSource) -> dict[str, JSONValue]:
        graphs: dict[str, JSONValue] = {name: run.to_data() for name, run in self.runs.items()}
        if self.original is not None and self.original is not self.runs.get(PROCESSED):
            graphs[ORIGINAL] = self.original.to_data()
        graphs |= {name: {"status": "missing", "reason": reason} for name, reason in self.missing.items()}
        agreement: dict[str, JSONValue] = {
            name: run.agreement.to_data() for name, run in self.runs.items() if run.agreement is not None
        }
        return {
            "accuracy": self.runs[PROCESSED].total.mean if PROCESSED in self.runs else None,
            "validation_method": self.settings.score.title,
            "dataset": {
                "path": source.file,
                "sha256": source.sha256,
                "samples": len(self.dataset),
                "used": self.total,
                "sample_shape": list[JSONValue](self.dataset.sample_shape),
            },
            "graphs": graphs,
            "agreement": agreement or {"status": "missing", "reason": self.not_compared},
            "seconds": round(self.seconds, 3),
        }

    def _metrics(self, source: MetricSource) -> Iterator[Metric]:
        for name, run in self.runs.items():
            scope = {} if name == PROCESSED else {"graph": name}
            extra = self._score_scope()
            score = self.settings.score
            unit = "value" if score.metric == "accuracy.custom" else "fraction"
            yield _metric(score.metric, run.total.mean, unit, {**scope, **extra}, source)
            yield _metric("accuracy.samples", run.total.count, "count", scope, source)
            if run.agreement is not None:
                yield _metric("accuracy.agreement", run.agreement.fraction, "fraction", scope, source)
        unit = "value" if self.settings.score.metric == "accuracy.custom" else "fraction"
        for name in self.missing:
            yield _metric(self.settings.score.metric, None, unit, {"graph": name, **self._score_scope()}, source)

    def _score_scope(self) -> dict[str, str]:
        """What the figure needs to be told from others of its name."""
        score = self.settings.score
        if isinstance(score, TopK):
            return {} if score.k == 1 else {"k": str(score.k)}
        return {"method": score.title}


def _metric(name: str, value: JSONValue, unit: str, scope: dict[str, str], source: MetricSource) -> Metric:
    status = MetricStatus.MISSING if value is None else MetricStatus.MEASURED
    return Metric(name=name, value=value, unit=unit, stage=Stage.MODEL, scope=scope, status=status, source=source)
