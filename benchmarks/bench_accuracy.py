"""How fast accuracy is validated, beside plain onnxruntime and qonnx, and how much memory a large dataset takes.

The first table runs the digits network over its samples: node by node in qonnx, in onnxruntime without our step, and in
the step itself, all in one process. The second one runs the whole step over a dataset that is larger than the memory
that its process may use.

python benchmarks/bench_accuracy.py [--samples 45000] [--dataset-mb 1024] [--memory-mb 512]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser

from brainsmith_core.build.parameters import checked_parameters
from brainsmith_core.build.workspace import Workspace, read_json
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import StepContext
from brainsmith_onnx.models import Runner, load_model
from brainsmith_onnx.post_records import STEPS
from brainsmith_onnx.postprocessing.accuracy import run
from brainsmith_onnx.postprocessing.engines import folded
from brainsmith_onnx.postprocessing.lowering import lower

DIGITS = Path(__file__).parents[1] / "examples" / "digits"

#: A small float network for the large dataset: reading it is most of the work.
FLOAT = """
<ir_version: 8, opset_import: ["" : 13]>
wide (float[1, 4096] x) => (float[1, 2] y)
<int64[1] axis = {1}, int64[1] first = {0}, int64[1] third = {2}>
{ y = Slice(x, first, third, axis) }
"""


def step_context(folder: Path, model: onnx.ModelProto, **parameters: Any) -> StepContext:
    """Make a build's folder, and what the step is given in it."""
    onnx.save(model, folder / "in.onnx")
    config = BuildConfig(id="bench", model_path=str(folder / "in.onnx"), output_dir=str(folder / "out"))
    workspace = Workspace(folder / "out")
    workspace.create(config)
    onnx.save(model, workspace.processed_model)
    (spec,) = [spec for spec in STEPS if spec.name == "accuracy_validation"]
    logs = workspace.step_logs("postprocessing")
    return StepContext(
        config=config,
        parameters=checked_parameters(spec.parameters, parameters, spec.name),
        model_path=str(workspace.processed_model),
        output_model_path=str(logs / "step.onnx"),
        report_dir=str(logs),
        output_dir=str(workspace.root),
    )


def timed(work: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds that some work takes, and its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def in_qonnx(model: onnx.ModelProto, inputs: Any, labels: Any) -> float:
    """Node by node, one sample after the other, as qonnx's own documentation has it."""
    outputs = Runner(model, engine="qonnx").run_samples(inputs)
    return float((outputs.argmax(axis=1) == labels).mean())


def in_onnxruntime(model: onnx.ModelProto, inputs: Any, labels: Any) -> float:
    """A plain loop over a session with its usual settings; the model holds standard operators alone."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(lower(folded(model)).SerializeToString(), options)
    right = sum(
        int(session.run(None, {"global_in": inputs[at : at + 1]})[0].argmax() == labels[at])
        for at in range(len(inputs))
    )
    return right / len(inputs)


def in_step(folder: Path, model: onnx.ModelProto, data: Path, **parameters: Any) -> float:
    """The whole step: reading, checking, running, rating, writing the report."""
    context = step_context(folder, model, dataset=str(data), **parameters)
    return float(next(m.value for m in run(context).metrics if m.name == "accuracy.top1"))  # type: ignore[arg-type] # a number


def compare_speed(folder: Path, samples: int) -> None:
    """Print the first table."""
    model = load_model(DIGITS / "model.onnx")
    with np.load(DIGITS / "samples.npz") as arrays:
        few, classes = arrays["inputs"], arrays["labels"]
    repeat = -(-samples // len(few))
    inputs, labels = np.tile(few, (repeat, 1))[:samples], np.tile(classes, repeat)[:samples]
    np.savez(folder / "many.npz", inputs=inputs, labels=labels)
    rows: list[tuple[str, int, Callable[[], float]]] = [
        ("qonnx, node by node", len(few), lambda: in_qonnx(model, few, classes)),
        ("plain onnxruntime loop", samples, lambda: in_onnxruntime(model, inputs, labels)),
        ("the step", samples, lambda: in_step(folder / "a", model, folder / "many.npz")),
        ("the step, batch_size 64", samples, lambda: in_step(folder / "b", model, folder / "many.npz", batch_size=64)),
    ]
    print(f"{'digits network':28} {'samples':>8} {'s':>8} {'samples/s':>10} {'accuracy':>9}")
    for title, count, work in rows:
        for name in ("a", "b"):
            (folder / name).mkdir(exist_ok=True)
        seconds, accuracy = timed(work)
        print(f"{title:28} {count:8} {seconds:8.3f} {count / seconds:10.0f} {accuracy:9.4f}", flush=True)


def peak_mb() -> float:
    """Return the most memory that this process has had, in MB; what `getrusage` says may be its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _limited(folder: str, data: str, labels: str, limit: int, results: Any) -> None:
    """Run the step in a process that may not have more memory for data than `limit` bytes."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    before = peak_mb()
    started = time.perf_counter()
    context = step_context(Path(folder), onnx.parser.parse_model(FLOAT), dataset=data, labels_npy=labels)
    run(context)
    report: Any = read_json(Path(context.report_dir) / "accuracy_validation.json")
    results.put((report["dataset"]["used"], time.perf_counter() - started, before, peak_mb()))


def compare_memory(folder: Path, dataset_mb: int, memory_mb: int) -> None:
    """Print the second table."""
    count = dataset_mb * 2**20 // (4096 * 4)
    np.save(folder / "labels.npy", np.zeros(count, np.int64))
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, 4096)}
    with (folder / "inputs.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        block = np.zeros((256, 4096), np.float32).tobytes()
        for start in range(0, count, 256):
            file.write(block[: min(256, count - start) * 4096 * 4])
    (folder / "large").mkdir()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    files = [str(folder / name) for name in ("large", "inputs.npy", "labels.npy")]
    process = context.Process(target=_limited, args=(*files, memory_mb * 2**20, results))
    process.start()
    process.join()
    print(f"\n{'large dataset':16} {'MB':>8} {'limit MB':>9} {'start MB':>9} {'peak MB':>9} {'s':>8} {'MB/s':>8}")
    if process.exitcode:
        print(f"the process ended with {process.exitcode}: the limit was too low")
        return
    used, seconds, before, peak = results.get()
    speed = dataset_mb / seconds
    print(f"{used:8} samples {dataset_mb:8} {memory_mb:9} {before:9.0f} {peak:9.0f} {seconds:8.1f} {speed:8.0f}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=45_000, help="samples of the digits network")
    parser.add_argument("--dataset-mb", type=int, default=1024, help="size of the large dataset, in MB")
    parser.add_argument("--memory-mb", type=int, default=512, help="memory that its process may use, in MB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-accuracy-") as name:
        compare_speed(Path(name), options.samples)
        compare_memory(Path(name), options.dataset_mb, options.memory_mb)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
