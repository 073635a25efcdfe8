"""Random pairs of configurations: what a build through the step cache makes equals what a fresh FINN run makes.

python benchmarks/incremental_equality.py [--pairs 200] [--seed 1] [--environment NAME ...] [--model FILE ...]

For each pair the second configuration differs from the first one in one to three flags. Both are built by FINN alone,
in a process of their own, then through one cache that all pairs share, in the same folder; then all files are compared
byte for byte. Left out are those that differ between two FINN runs of one configuration: `build_dataflow.log` and
`time_per_step.json` (times), and `intermediate_models/step_qonnx_to_finn.onnx` (random tensor names). Where another
file differs, FINN alone is run once more, in another process; files in which it differs from itself are counted apart.
The messages of the log, without their times, are compared as well.
"""

from __future__ import annotations

import argparse
import collections
import difflib
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import attrs

from brainsmith_finn_legacy.environments import FINNEnvironmentManager
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.finn_worker import STORE_CODE, run_task

HERE = Path(__file__).resolve().parent
BY_HAND = HERE.parent / "brainsmith_finn_legacy" / "tests" / "builds" / "by_hand" / "run_finn.py"
SHARED = Path(os.environ.get("BRAINSMITH_SHARED", HERE.parent.parent / "shared"))
UNSTEADY = ("build_dataflow.log", "time_per_step.json", "step_qonnx_to_finn.onnx", "keep_model.onnx")
#: Our own checks, with the cache and without it; FINN goes on where nothing is to be reported.
REFUSALS = ("FoldingError", "UnconvertedModelError")
BOARDS = ("Pynq-Z1", "Ultra96", "ZCU104", "U250", "VCK190")
#: What a line of the log says of time, place in the code, and place in the list of steps.
TIME = re.compile(r"^\[[^\]]*\]\s*| /\S+:\d+: | \[\d+/\d+\]$")
CHOICES: dict[str, tuple[Any, ...]] = {
    "target_fps": (None, 100, 1000, 30_000, 200_000, 1_000_000, 5_000_000),
    "synth_clk_period_ns": (2.5, 3.33, 5.0, 10.0, 20.0),
    "board": BOARDS,
    "fpga_part": (None, "xc7z020clg400-1", "xczu7ev-ffvc1156-2-e"),
    "mvau_wwidth_max": (8, 36, 144, 10_000),
    "folding_two_pass_relaxation": (True, False),
    "standalone_thresholds": (True, False),
    "minimize_bit_width": (True, False),
    "max_multithreshold_bit_width": (4, 8, 16),
    "requant_bitwidth_threshold": (4, 8, 16),
    "infer_shuffle_skip_first": (True, False),
    "folding_config_file": (None, "folding_a.json", "folding_b.json"),
    "specialize_layers_config_file": (None, "specialize_a.json", "specialize_b.json"),
    "verify_steps": ([], ["initial_python"], ["streamlined_python", "finn_onnx_python"]),
    "verify_save_full_context": (True, False),
    "generate_outputs": ([], ["estimate_reports"]),
    "save_intermediate_models": (True, False),
    "verbose": (True, False),
}
FILES = {
    "folding_a.json": {"Defaults": {}, "MVAU_hls_0": {"PE": 2}},
    "folding_b.json": {"Defaults": {"PE": [1, ["MVAU"]]}, "MVAU_hls_0": {"PE": 4}, "Nobody_0": {"PE": 2}},
    "specialize_a.json": {"Defaults": {}, "MVAU_0": {"preferred_impl_style": "hls"}},
    "specialize_b.json": {"Defaults": {"preferred_impl_style": ["rtl", ["Thresholding"]]}},
}


@attrs.define
class Tally:
    """What came of all comparisons."""

    builds: int = 0
    files: int = 0
    failed_alike: int = 0
    refused: int = 0
    steps: int = 0
    reused: int = 0
    logs_equal: int = 0
    log_example: str = ""
    distinct: set[str] = attrs.field(factory=set)
    unstored: collections.Counter[str] = attrs.field(factory=collections.Counter)
    unsteady: collections.Counter[str] = attrs.field(factory=collections.Counter)
    faults: list[str] = attrs.field(factory=list)


class Fresh:
    """FINN alone."""

    def __init__(self, environment: FINNEnvironment, scratch: Path) -> None:
        scratch.mkdir(parents=True)
        environ = {**os.environ, "FINN_SETTINGS": str(scratch / "none.yaml"), "NUM_DEFAULT_WORKERS": "1"}
        environ |= {"COLUMNS": "400", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        for name, value in environment.worker_env().items():
            environ.pop(name, None)
            environ |= {} if value is None else {name: value}
        command = [str(environment.python), str(HERE / "incremental" / "fresh_finn.py"), str(BY_HAND), str(scratch)]
        errors = (scratch / "errors.log").open("w")
        self._process = subprocess.Popen(
            command, env=environ, cwd=scratch, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
        self._answer()

    def build(self, point: dict[str, Any]) -> dict[str, Any]:
        """Build one configuration."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(point) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        output: IO[str] | None = self._process.stdout
        assert output is not None
        answer: dict[str, Any] = json.loads(output.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def pairs(count: int, seed: int, models: list[Path], names: list[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give environment names and pairs of configurations."""
    chance = random.Random(seed)
    for number in range(count):
        first = {name: chance.choice(values) for name, values in CHOICES.items()}
        if chance.random() < 0.5:
            first["verify_steps"] = []
        second = dict(first)
        for name in chance.sample(sorted(CHOICES), chance.randint(1, 3)):
            second[name] = chance.choice(CHOICES[name])
        model = models[number % len(models)]
        yield (
            names[number // len(models) % len(names)],
            [{"model": str(model), **first}, {"model": str(model), **second}],
        )


def settings_of(flags: dict[str, Any], environment: FINNEnvironment, folder: Path) -> dict[str, Any]:
    """Return FINN's settings; fields that this version doesn't have are left out."""
    known = {field.name for field in environment.description.fields}
    model = Path(flags["model"]).stem
    found = {name: value for name, value in flags.items() if name in known and value is not None}
    for name in ("folding_config_file", "specialize_layers_config_file"):
        if name in found:
            found[name] = str(folder / found[name])
    if found.get("verify_steps"):
        found["verify_input_npy"] = str(folder / f"{model}_input.npy")
        found["verify_expected_output_npy"] = str(folder / f"{model}_output.npy")
    return {**found, "enable_build_pdb_debug": False}


def files_of(folder: Path) -> dict[str, str]:
    """Return all steady files with the digests of their contents."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in UNSTEADY
    }


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the files that aren't the same in both."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def log_of(folder: Path) -> list[str]:
    """Return the messages in FINN's log; a step's own time and memory stand in none of them."""
    path = folder / "build_dataflow.log"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return [TIME.sub("", line) for line in lines if "keep_model" not in line]


class Comparison:
    """Builds each configuration both ways."""

    def __init__(self, environment: FINNEnvironment, folder: Path, tally: Tally) -> None:
        self.environment, self.folder, self.tally = environment, folder, tally
        self.fresh = Fresh(environment, folder / "fresh")
        self.again: Fresh | None = None
        self.out = folder / "out"

    def compare(self, flags: dict[str, Any]) -> None:
        """Build a configuration both ways, in the same folder, and compare."""
        settings = settings_of(flags, self.environment, self.folder.parent)
        fresh = self._fresh(flags, settings, self.fresh)
        expected, messages = files_of(self.out), log_of(self.out / "artifacts")
        ours, records, failure = self._ours(flags, settings)
        if fresh["code"] == 0 and failure.endswith(REFUSALS):
            self.tally.refused += 1
            return
        repeated = log_of(self.out / "artifacts")
        self.tally.builds += 1
        self.tally.files += len(expected)
        self.tally.distinct.add(json.dumps([self.environment.name, sorted(expected.items())]))
        self.tally.steps += len(records)
        self.tally.reused += sum(record["reused"] for record in records)
        for record in records:
            if not record["reused"] and not record["stored"]:
                self.tally.unstored.update(f"{record['step']}: {reason}" for reason in record["reasons"])
        if (fresh["code"] == 0) != (failure == ""):
            self.tally.faults.append(f"FINN's code is {fresh['code']}, our failure is {failure!r}: {flags}")
        elif failure:
            self.tally.failed_alike += 1
        different = differing(ours, expected)
        if different:
            unsteady = self._unsteady(flags, settings, expected)
            different = [name for name in different if name not in unsteady]
        if different:
            self.tally.faults.append(f"{different[:4]} differ: {flags}")
        self.tally.logs_equal += messages == repeated
        if messages != repeated and self.tally.log_example == "":
            self.tally.log_example = "\n".join(
                difflib.unified_diff(messages, repeated, "FINN", "ours", n=0, lineterm="")
            )

    def _unsteady(self, flags: dict[str, Any], settings: dict[str, Any], expected: dict[str, str]) -> list[str]:
        """Return the files in which another FINN process, with other random numbers, differs from the first one."""
        if self.again is None:
            self.again = Fresh(self.environment, self.folder / "again")
        self._fresh(flags, settings, self.again)
        found = differing(files_of(self.out), expected)
        self.tally.unsteady.update(f"{self.environment.name}: {name}" for name in found)
        return found

    def _fresh(self, flags: dict[str, Any], settings: dict[str, Any], finn: Fresh) -> dict[str, Any]:
        self._clear()
        point = {
            "model": flags["model"],
            "settings": settings,
            "output_dir": str(self.out / "artifacts"),
            "build_dir": str(self.out / "finn_build_dir"),
            "final_model": str(self.out / "final.onnx"),
            "cwd": str(self.out),
        }
        return finn.build(point)

    def _ours(self, flags: dict[str, Any], settings: dict[str, Any]) -> tuple[dict[str, str], list[Any], str]:
        self._clear()
        args: dict[str, Any] = {
            "model": flags["model"],
            "settings": {**settings, "output_dir": str(self.out / "artifacts")},
            "steps": [{"name": name} for name in self.environment.description.estimate_steps],
            "import_paths": [],
            "build_dir": str(self.out / "finn_build_dir"),
            "final_model": str(self.out / "final.onnx"),
            "cache": {
                "root": str(self.folder / "store"),
                "code": str(STORE_CODE),
                "environment": self.environment.identity,
            },
        }
        outcome = run_task(self.environment, "build", args, log=self.folder / "ours.log", cwd=self.out)
        if outcome.result is None:
            return {}, [], outcome.outcome
        files = files_of(self.out)
        failure = outcome.result["failure"]
        if failure is not None:  # FINN's own last step didn't run either
            files.pop("final.onnx", None)
        return files, outcome.result["steps"], "" if failure is None else failure["type"]

    def close(self) -> None:
        """End FINN's processes."""
        self.fresh.close()
        if self.again is not None:
            self.again.close()

    def _clear(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()


def write_inputs(folder: Path, models: list[Path], environment: FINNEnvironment) -> None:
    """Write the files that flags name."""
    for name, content in FILES.items():
        (folder / name).write_text(json.dumps(content))
    script = (
        "import sys, numpy, onnx\n"
        "for path in sys.argv[2:]:\n"
        "    graph = onnx.load(path).graph\n"
        "    held = {each.name for each in graph.initializer}\n"
        "    ends = [[each for each in graph.input if each.name not in held][0], graph.output[0]]\n"
        "    for end, name in zip(ends, ('input', 'output')):\n"
        "        shape = [each.dim_value or 1 for each in end.type.tensor_type.shape.dim]\n"
        "        data = numpy.random.default_rng(1).integers(0, 2, size=shape).astype('float32')\n"
        "        numpy.save(f'{sys.argv[1]}/{path.rpartition(chr(47))[2][:-5]}_{name}.npy', data)\n"
    )
    subprocess.run([str(environment.python), "-c", script, str(folder), *map(str, models)], check=True)


def main() -> None:
    """Compare all pairs and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--environment", action="append", help="default: all that are ready")
    parser.add_argument("--model", action="append", type=Path)
    options = parser.parse_args()
    manager = FINNEnvironmentManager()
    names = options.environment or [each.name for each in manager.discover_finn_installations()]
    environments = {name: manager.find(name) for name in names}
    digits = HERE.parent / "examples" / "digits" / "model.onnx"
    models = options.model or [path for path in (*sorted((SHARED / "models").glob("*.onnx")), digits) if path.is_file()]
    tally, started = Tally(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="incremental-equality-") as name:
        folder = Path(name)
        write_inputs(folder, models, environments[names[0]])
        comparisons = {}
        for each, environment in environments.items():
            (folder / each).mkdir()
            comparisons[each] = Comparison(environment, folder / each, tally)
        for number, (each, pair) in enumerate(pairs(options.pairs, options.seed, models, names), start=1):
            for flags in pair:
                comparisons[each].compare(flags)
            if number % 10 == 0:
                print(f"{number} pairs, {time.perf_counter() - started:.0f} s, faults: {tally.faults}", flush=True)
        for comparison in comparisons.values():
            comparison.close()
    report(tally, options, names, models)


def report(tally: Tally, options: argparse.Namespace, names: list[str], models: list[Path]) -> None:
    """Print the counts."""
    print(f"pairs {options.pairs} (seed {options.seed}), FINN {', '.join(names)}")
    print(f"models {', '.join(model.name for model in models)}")
    print(f"builds compared {tally.builds}, of them with distinct results {len(tally.distinct)}")
    print(f"builds that fail both ways {tally.failed_alike}")
    print(f"builds that our own checks refuse {tally.refused}")
    print(f"files compared byte for byte {tally.files}, builds that differ {len(tally.faults)}")
    print(f"logs with the same messages {tally.logs_equal} of {tally.builds}")
    print(f"steps {tally.steps}, of them restored {tally.reused}")
    for name, count in tally.unsteady.most_common(12):
        print(f"differs between two runs of FINN itself, {count} times: {name}")
    if tally.log_example:
        print("the first log that differs:\n" + tally.log_example[:1500])
    for reason, count in tally.unstored.most_common(12):
        print(f"not stored, {count} times: {reason}")
    for fault in tally.faults[:10]:
        print(f"FAULT {fault}")
    raise SystemExit(bool(tally.faults))


if __name__ == "__main__":
    main()
