"""Train the float digits example: an MLP of 64-48-48-10 in plain NumPy, written as ONNX.

Nothing but NumPy and onnx is needed. The samples are those of `../digits`: `training.npz` holds the 1,347 that its
network was trained on, `../digits/samples.npz` the 450 held-out ones, which play no part in training.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float64]

HERE = Path(__file__).parent
SIZES = (64, 48, 48, 10)  # as in ../digits
LARGEST_PIXEL = 16.0
BATCH = 64
EPOCHS = 60
LEARNING_RATE = 2e-3
DECAY = 1e-3  # keeps weights small and alike, so that few bits tell them apart
OPSET, IR = 13, 8  # old enough for every reader


def load(path: Path) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return samples and labels."""
    with np.load(path) as archive:
        return archive["inputs"].astype(np.float64), archive["labels"].astype(np.int64)


class Network:
    """A multi-layer perceptron with ReLU, trained by Adam."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.weights = [generator.normal(0, np.sqrt(2 / a), (b, a)) for a, b in pairwise(SIZES)]
        self.biases = [np.zeros(size) for size in SIZES[1:]]
        self.moments = [[np.zeros_like(each) for each in self.parameters] for _ in range(2)]
        self.steps = 0

    @property
    def parameters(self) -> list[Floats]:
        """All weights, then all biases."""
        return [*self.weights, *self.biases]

    def forward(self, inputs: Floats) -> list[Floats]:
        """Return the inputs, the hidden activations and the scores."""
        values = [inputs / LARGEST_PIXEL]
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            scores = values[-1] @ weight.T + bias
            values.append(scores if index == len(self.weights) - 1 else np.maximum(scores, 0))
        return values

    def learn(self, inputs: Floats, labels: npt.NDArray[np.int64], rate: float) -> None:
        """Take one step down the cross entropy of a batch."""
        values = self.forward(inputs)
        scores = values[-1] - values[-1].max(axis=1, keepdims=True)
        error = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        error[np.arange(len(labels)), labels] -= 1
        error /= len(labels)
        weights: list[Floats] = []
        biases: list[Floats] = []
        for index in reversed(range(len(self.weights))):
            weights.insert(0, error.T @ values[index] + DECAY * self.weights[index])
            biases.insert(0, error.sum(axis=0))
            error = (error @ self.weights[index]) * (values[index] > 0)
        self._adam([*weights, *biases], rate)

    def _adam(self, gradients: list[Floats], rate: float) -> None:
        self.steps += 1
        for index, gradient in enumerate(gradients):
            for moments, share, wanted in zip(self.moments, (0.1, 0.001), (gradient, gradient**2), strict=True):
                moments[index] += share * (wanted - moments[index])
            mean = self.moments[0][index] / (1 - 0.9**self.steps)
            square = self.moments[1][index] / (1 - 0.999**self.steps)
            step = rate * mean / (np.sqrt(square) + 1e-8)
            group, place = (
                (self.weights, index) if index < len(self.weights) else (self.biases, index - len(self.weights))
            )
            group[place] = group[place] - step


def train(network: Network, generator: np.random.Generator, inputs: Floats, labels: npt.NDArray[np.int64]) -> None:
    """Train in place, the rate falling to 0."""
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * (1 - epoch / EPOCHS)
        order = generator.permutation(len(inputs))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            network.learn(inputs[batch], labels[batch], rate)


def to_onnx(network: Network) -> onnx.ModelProto:
    """Return the network as ONNX, raw pixels in, scores out, one sample at a time."""
    nodes, weights, current = [], [], "pixels"
    last = len(network.weights) - 1
    for index, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        # Raw pixels go in: their range is taken into the first weights.
        scaled = weight / LARGEST_PIXEL if index == 0 else weight
        weights.append(numpy_helper.from_array(scaled.astype(np.float32), f"fc{index}.weight"))
        weights.append(numpy_helper.from_array(bias.astype(np.float32), f"fc{index}.bias"))
        result = "scores" if index == last else f"fc{index}_out"
        names = [current, f"fc{index}.weight", f"fc{index}.bias"]
        nodes.append(helper.make_node("Gemm", names, [result], f"fc{index}", transB=1))
        current = result
        if index != last:
            current = f"relu{index}_out"
            nodes.append(helper.make_node("Relu", [result], [current], f"relu{index}"))
    graph = helper.make_graph(
        nodes,
        "digits_float",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, SIZES[0]])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, SIZES[-1]])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    return model


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train the float digits example and write model.onnx.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder (default: this script's)")
    parser.add_argument("--seed", type=int, default=0, help="of start weights and batches (default: 0)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure on the held-out samples, and write model.onnx and accuracy.json."""
    options = parse(arguments)
    generator = np.random.default_rng(options.seed)
    network = Network(generator)
    train(network, generator, *load(HERE / "training.npz"))
    inputs, labels = load(HERE.parent / "digits" / "samples.npz")
    correct = int((network.forward(inputs)[-1].argmax(axis=1) == labels).sum())
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "model.onnx").write_bytes(to_onnx(network).SerializeToString(deterministic=True))
    report = {"samples": len(labels), "correct": correct, "top1": correct / len(labels), "seed": options.seed}
    (options.output / "accuracy.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
