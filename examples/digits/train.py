"""Train the digits example: a small quantised MLP, written as QONNX with its held-out samples and accuracy.

The network is 64-48-48-10: raw pixels (whole numbers 0..16) in, whole-number class scores out, 2-bit weights and
2-bit activations between. Both ends are integers so that the accelerator needs no floating-point operator at all.

Set-up (a throw-away environment, Python 3.11): ``pip install -r requirements.txt``, then ``python train.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import numpy.typing as npt
import onnx
import torch
from brevitas.export import export_qonnx
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

PIXELS = 64  # 8 x 8, row by row
CLASSES = 10
HIDDEN = (48, 48)  # many divisors: rich in legal foldings
INPUT_BITS = 5  # pixels are 0..16
BITS = 2  # of every weight and hidden activation
HELD_OUT = 450  # samples, a quarter of the 1,797; never seen in training
BATCH = 64
PEAK_LEARNING_RATE = 1e-2
LABEL_SMOOTHING = 0.05
SCORE_SCALE = 10.0  # divides the integer scores in the loss: softmax of raw ones would saturate
OPSET = 13


@dataclass(frozen=True)
class Data:
    """The digits, split into a training part and a held-out part of equal class shares."""

    train_inputs: Floats
    train_labels: Labels
    inputs: Floats
    labels: Labels


def load_data(seed: int) -> Data:
    """Load the digits bundled with scikit-learn (no network) and split them.

    Args:
        seed: chooses the held-out samples.
    """
    inputs, labels = load_digits(return_X_y=True)
    split = train_test_split(
        inputs.astype(np.float32),
        labels.astype(np.int64),
        test_size=HELD_OUT,
        random_state=seed,
        stratify=labels,
    )
    return Data(train_inputs=split[0], train_labels=split[2], inputs=split[1], labels=split[3])


def hidden_block(inputs: int, outputs: int, *, unit_scale: bool) -> list[nn.Module]:
    """Make one hidden layer: linear, batch normalisation, 2-bit ReLU.

    Args:
        inputs: number of inputs.
        outputs: number of neurons.
        unit_scale: fix the activation's step to 1 instead of learning it, so that it gives 0, 1, 2 or 3.
    """
    norm = nn.BatchNorm1d(outputs)
    if not unit_scale:
        linear = qnn.QuantLinear(inputs, outputs, bias=False, weight_bit_width=BITS)
        return [linear, norm, qnn.QuantReLU(bit_width=BITS)]
    # Start where the four levels 0..3 are about equally used.
    nn.init.constant_(norm.weight, 1.5)
    nn.init.constant_(norm.bias, 0.5)
    linear = qnn.QuantLinear(inputs, outputs, bias=False, weight_bit_width=BITS)
    relu = qnn.QuantReLU(bit_width=BITS, scaling_impl_type="const", scaling_init=2.0**BITS - 1)
    return [linear, norm, relu]


def output_layer(inputs: int) -> nn.Linear:
    """Make the last layer: weights -1, 0, 1 with a step of 1, so that scores are whole numbers."""
    layer: nn.Linear = qnn.QuantLinear(
        inputs,
        CLASSES,
        bias=False,
        weight_bit_width=BITS,
        weight_scaling_impl_type="const",
        weight_scaling_init=1.0,
    )
    # The default start is far below the step of 1: every weight would be rounded to 0.
    nn.init.uniform_(layer.weight, -1.0, 1.0)
    return layer


def build_network() -> nn.Sequential:
    """Build the untrained network."""
    # A step of 1 lets pixels pass unchanged and makes their width known. A ReLU, since FINN before FINN+ 1.6 takes
    # an unsigned quantiser only behind one; pixels are never negative.
    pixels = qnn.QuantReLU(bit_width=INPUT_BITS, scaling_impl_type="const", scaling_init=2.0**INPUT_BITS - 1)
    layers: list[nn.Module] = [pixels]
    sizes = (PIXELS, *HIDDEN)
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers += hidden_block(inputs, outputs, unit_scale=index == len(HIDDEN) - 1)
    return nn.Sequential(*layers, output_layer(HIDDEN[-1]))


def train(network: nn.Sequential, data: Data, epochs: int) -> None:
    """Train in place, for a fixed number of epochs; the held-out samples play no part."""
    inputs, labels = torch.tensor(data.train_inputs), torch.tensor(data.train_labels)
    steps = epochs * -(-len(inputs) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LEARNING_RATE, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
    network.train()
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(inputs)), BATCH):
            loss = loss_of(network(inputs[batch]) / SCORE_SCALE, labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()


def brevitas_scores(network: nn.Sequential, inputs: Floats) -> Floats:
    """Compute class scores with Brevitas."""
    with torch.no_grad():
        scores: Floats = network(torch.tensor(inputs)).numpy()
    return scores


def qonnx_scores(model: ModelWrapper, inputs: Floats) -> Floats:
    """Compute class scores by executing the exported graph, one sample at a time, without torch."""
    name_in, name_out = model.graph.input[0].name, model.graph.output[0].name
    return np.concatenate([execute_onnx(model, {name_in: sample[np.newaxis]})[name_out] for sample in inputs])


def to_qonnx(network: nn.Sequential) -> ModelWrapper:
    """Export to QONNX: shapes inferred, names readable, the input known to be 5 bits, no notes of this machine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_qonnx(network, args=torch.zeros(1, PIXELS), export_path=str(path), opset_version=OPSET, dynamo=False)
        model = cleanup_model(ModelWrapper(str(path)))
    model.set_tensor_datatype(model.graph.input[0].name, DataType[f"UINT{INPUT_BITS}"])
    strip(model.model)
    return model


def strip(model: onnx.ModelProto) -> None:
    """Remove doc strings and metadata, which hold source paths of the exporting machine."""
    model.doc_string = model.graph.doc_string = ""
    del model.metadata_props[:]
    for item in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        item.doc_string = ""
        if hasattr(item, "metadata_props"):
            del item.metadata_props[:]


def pack_samples(data: Data) -> bytes:
    """Pack the held-out samples as an npz whose bytes depend on its content alone."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in (("inputs", data.inputs), ("labels", data.labels)):
            member = io.BytesIO()
            np.save(member, values)
            # numpy.savez stamps the time of day; a fixed date keeps two runs byte-equal.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
    return packed.getvalue()


def describe(data: Data, scores: dict[str, Floats], model_bytes: bytes, seed: int, epochs: int) -> dict[str, object]:
    """Collect what was measured, as written to accuracy.json.

    Raises:
        SystemExit: Brevitas and the executed graph don't give the same scores.
    """
    if not np.array_equal(scores["brevitas"], scores["qonnx"]):
        worst = float(np.abs(scores["brevitas"] - scores["qonnx"]).max())
        message = f"the exported model doesn't compute what Brevitas computes: scores differ by up to {worst}"
        raise SystemExit(message)
    correct = {name: int((values.argmax(axis=1) == data.labels).sum()) for name, values in scores.items()}
    packages = ("torch", "brevitas", "scikit-learn", "numpy", "onnx", "onnxruntime", "qonnx")
    return {
        "metric": "top-1 accuracy on the held-out samples",
        "samples": len(data.labels),
        "train_samples": len(data.train_labels),
        "correct": correct,
        "top1": {name: count / len(data.labels) for name, count in correct.items()},
        "scores_equal": True,
        "seed": seed,
        "epochs": epochs,
        "layers": [PIXELS, *HIDDEN, CLASSES],
        "bits": {"input": INPUT_BITS, "weights": BITS, "activations": BITS},
        "model_sha256": hashlib.sha256(model_bytes).hexdigest(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train the digits example and write its four files.")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder (default: this script's)")
    parser.add_argument("--seed", type=int, default=0, help="of split, start weights and batches (default: 0)")
    parser.add_argument("--epochs", type=int, default=100, help="passes over the training samples (default: 100)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, export, measure twice, and write model.onnx, samples.npz and accuracy.json."""
    options = parse(arguments)
    torch.manual_seed(options.seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the order of additions, hence the weights, must not depend on the machine's cores
    data = load_data(options.seed)
    network = build_network()
    train(network, data, options.epochs)
    model = to_qonnx(network)
    model_bytes = model.model.SerializeToString(deterministic=True)
    scores = {"brevitas": brevitas_scores(network, data.inputs), "qonnx": qonnx_scores(model, data.inputs)}
    report = describe(data, scores, model_bytes, options.seed, options.epochs)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "model.onnx").write_bytes(model_bytes)
    (options.output / "samples.npz").write_bytes(pack_samples(data))
    (options.output / "accuracy.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({key: report[key] for key in ("samples", "correct", "top1", "model_sha256")}, indent=2))


if __name__ == "__main__":
    main()
