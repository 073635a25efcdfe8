"""One graph on its way through a dataset: how it is run, and what came of it so far."""

from __future__ import annotations

import attrs
import numpy as np

from brainsmith_core.build.workspace import file_digest
from brainsmith_core.context import StepContext
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from ..datasets import Batch, Dataset
from ..models import Array, load_model
from .disagreements import Agreement
from .engines import Engine, EngineChoice, choose_engine
from .finn_graphs import finn_engine, needs_finn
from .graphs import Graph
from .samples import Fit, fit
from .scoring import Score, Total, predicted

__all__ = ["GraphRun", "RunSettings", "prepare"]


@attrs.frozen(kw_only=True)
class RunSettings:
    """How graphs are run.

    Args:
        score: what counts as right.
        keep: how many wrong or disagreeing samples to name.
        engine: what runs them.
        check_samples: how many samples to run in qonnx as well.
        output: name of the output that counts, where there are several.
        batch_size: samples of one run, if not as many as the model says.
        threads: how many threads onnxruntime may use.
        reshape: whether samples of another shape, but as many values, are taken.
        finn_python: interpreter of the FINN environment that runs FINN's own operators, if not the build's.
    """

    score: Score
    keep: int
    engine: EngineChoice
    check_samples: int
    output: str | None
    batch_size: int | None
    threads: int
    reshape: bool
    finn_python: str | None


@attrs.define(kw_only=True)
class GraphRun:
    """One graph under way.

    Args:
        graph: the model.
        fit: how samples become its inputs.
        engine: what runs it.
        digest: the model file's SHA-256.
        settings: how it is run.
        total: how many samples are right so far.
        agreement: how far it agrees with the original model, if that is compared.
    """

    graph: Graph
    fit: Fit
    engine: Engine
    digest: str
    settings: RunSettings
    total: Total = attrs.field(factory=Total)
    agreement: Agreement | None = None
    _wrong: list[JSONValue] = attrs.field(factory=list)

    def outputs(self, batch: Batch) -> Array:
        """Return what the graph gives for a batch, and note how right it is.

        Raises:
            ConfigurationError: if it can't be run or gives no numbers.
        """
        found = self.engine.run(self.fit.apply(batch))
        if not np.isfinite(found).all():
            bad = ~np.isfinite(found.reshape(len(found), -1)).all(axis=1)
            first = batch.start + int(np.flatnonzero(bad)[0])
            text = f"the {self.graph.name} graph gives NaN or infinity for sample {first} of {self.fit.path}"
            raise ConfigurationError(text, hint="check the model with the step verify_model")
        self._rate(batch, found)
        return found

    def compare(self, batch: Batch, outputs: Array, original: Array) -> None:
        """Compare what the graph gave with what the original model gave."""
        if self.agreement is None:
            self.agreement = Agreement(keep=self.settings.keep)
        self.agreement.add(batch.start, batch.inputs, batch.labels, outputs, original)

    def to_data(self) -> dict[str, JSONValue]:
        """Return plain JSON data."""
        return {
            "accuracy": self.total.mean,
            "samples": self.total.count,
            "sum": self.total.sum,
            "file": self.graph.path.name,
            "sha256": self.digest,
            "engine": self.engine.name,
            "engine_because": self.engine.reason,
            "checked_with_qonnx": self.engine.checked,
            "first_wrong": list(self._wrong),
        }

    def _rate(self, batch: Batch, outputs: Array) -> None:
        rates = self.settings.score.rate(outputs, batch.labels, batch.start)
        self.total.add(rates)
        for row in np.flatnonzero(rates == 0)[: max(0, self.settings.keep - len(self._wrong))]:
            self._wrong.append(
                {
                    "sample": batch.start + int(row),
                    "label": batch.labels[row].tolist(),
                    "predicted": predicted(outputs[row : row + 1])[0].item(),
                }
            )


def prepare(context: StepContext, graph: Graph, dataset: Dataset, probe: Batch, settings: RunSettings) -> GraphRun:
    """Return a graph ready to run over a dataset.

    Args:
        context: the step's.
        graph: the graph; its file must be there.
        dataset: the samples.
        probe: the first ones of them.
        settings: how it is run.

    Raises:
        ConfigurationError: if the graph can't be run, or the dataset doesn't fit it.
        MissingRequirementError: if it needs FINN, which isn't here.
    """
    model = load_model(graph.path, data_folder=graph.data_folder)
    fitted = fit(model, dataset, reshape=settings.reshape)
    samples = fitted.apply(probe)
    if needs_finn(model):
        engine = finn_engine(context, graph, model, settings.finn_python, settings.output)
        engine.run(samples)  # what FINN can't run is known now, not in the middle of the dataset
    else:
        engine = choose_engine(
            model,
            samples,
            wanted=settings.engine,
            output=settings.output,
            batch_size=settings.batch_size,
            threads=settings.threads,
        )
    return GraphRun(graph=graph, fit=fitted, engine=engine, digest=file_digest(graph.path), settings=settings)
