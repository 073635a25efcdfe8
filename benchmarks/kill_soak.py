"""Kill controllers, workers and builds of real explorations at random moments, and check what is left each time.

python benchmarks/kill_soak.py [--kills 300] [--seed 1] [--folder DIR] [--only finn|stub]

Explorations with real FINN builds and with the simulated backend take turns. Each kill is SIGKILL to one process of the
exploration, chosen by chance: the controller, or one of its workers, supervisors and builds. After the controller's
death no process may be left; then the exploration is started again, until it is done. Counted are lost results (a
finished build that is not finished any more), doubled ones (a finished result.json that was written again, or a
build that the store has twice), processes left behind, and damage of the database.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
DIGITS = ROOT / "examples" / "digits"
LONGEST_WAIT_SECONDS = 120.0
LEFT_SECONDS = 15.0

BLUEPRINT = """
version: "3.0"
name: {name}
model: {model}
targets: [{{board: Pynq-Z1, clock_mhz: [100, 200]}}]
hw_compiler:
  config_flags:
    target_fps: {{range: {{from: 60000, to: {top}, count: {count}, scale: log}}}}
    {flags}
search: {{strategy: exhaustive, parallel_builds: 2}}
global: {{output_stage: dataflow_graph}}
"""


class Exploration:
    """One exploration that is killed and started again until it is done."""

    def __init__(self, folder: Path, backend: str, chance: random.Random, found: Counter[str]) -> None:
        self.folder, self.backend, self.chance, self.found = folder, backend, chance, found
        self.marker = f"BRAINSMITH_SOAK_{uuid.uuid4().hex}"
        self.folder.mkdir(parents=True)
        stub = backend == "future_brainsmith"
        flags = "mock_build_seconds: 0.2" if stub else "mvau_wwidth_max: 36"
        self.total = 30 if stub else 16
        text = BLUEPRINT.format(
            name=f"soak_{backend}", model=DIGITS / "model.onnx", top=10_000_000, count=self.total // 2, flags=flags
        )
        self.blueprint = folder / "blueprint.yaml"
        self.blueprint.write_text(text, encoding="utf-8")
        self.output = folder / "out"
        self.finished: dict[str, tuple[int, int]] = {}

    def run(self, kills: int) -> int:
        """Go on until the exploration is done; return how many processes were killed."""
        done = 0
        while True:
            process = self._start()
            while process.poll() is None and done < kills:
                self._wait(process, self.chance.uniform(0.05, 2.5))
                if process.poll() is None and self._kill(process):
                    done += 1
                    self._look()
            try:
                code = process.wait(LONGEST_WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self.found["hung"] += 1
                process.kill()
                code = -9
            self._look()
            self._check_left()
            self._check_store()
            if code != -9 and self._all_finished():
                return done
            if code not in (-9, 0, 1):
                raise SystemExit(f"the exploration ended with exit code {code}: see {self.folder / 'log.txt'}")

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, self.marker: "1", "BRAINSMITH_CACHE": str(self.folder / "cache")}
        command = [str(Path(sys.executable).with_name("brainsmith")), "explore", str(self.blueprint), "--retry-failed"]
        command += ["--output", str(self.output), "--backend", self.backend]
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def _wait(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def _ours(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            try:
                if self.marker in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except (psutil.Error, OSError):  # it ended meanwhile, or isn't ours
                continue

    def _kill(self, process: subprocess.Popen[bytes]) -> bool:
        others = [each for each in self._ours() if each.pid != process.pid]
        controller = not others or self.chance.random() < 0.5
        victim = psutil.Process(process.pid) if controller else self.chance.choice(others)
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return False
        self.found["controllers killed" if controller else "workers and builds killed"] += 1
        if controller:
            process.wait()
            self._check_left()
        return True

    def _check_left(self) -> None:
        deadline = time.monotonic() + LEFT_SECONDS
        while left := list(self._ours()):
            if time.monotonic() > deadline:
                self.found["processes left"] += len(left)
                for each in left:
                    each.kill()
                return
            time.sleep(0.05)

    def _results(self) -> Iterator[tuple[Path, dict[str, object]]]:
        for path in self.output.glob("builds/*/result.json"):
            try:
                yield path, json.loads(path.read_bytes())
            except ValueError:
                self.found["results that can't be read"] += 1

    def _look(self) -> None:
        """Compare what is finished with what was before."""
        now: dict[str, tuple[int, int]] = {}
        for path, result in self._results():
            if result["status"] == "success":
                state = path.stat()
                now[path.parent.name] = (state.st_ino, state.st_mtime_ns)
        for name, before in self.finished.items():
            if name not in now:
                self.found["lost results"] += 1
            elif now[name] != before:
                self.found["doubled results"] += 1
        self.finished = now

    def _all_finished(self) -> bool:
        return len(self.finished) == self.total

    def _check_store(self) -> None:
        file = self.folder / ".brainsmith" / "builds.db"
        if not file.exists():
            return
        with sqlite3.connect(file) as database:
            verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
            twice = database.execute("SELECT count(*) FROM (SELECT 1 FROM builds GROUP BY folder HAVING count(*) > 1)")
            self.found["damaged databases"] += verdict != "ok"
            self.found["builds that the store has twice"] += twice.fetchone()[0]
            if not list(self._ours()):
                held = database.execute("SELECT count(*) FROM builds WHERE status = 'success'").fetchone()[0]
                self.found["databases checked"] += 1
                self.found["finished builds that the store lacks"] += self._all_finished() and held < len(self.finished)


def main() -> None:
    """Kill until it is enough, then print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=["finn", "stub"])
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="brainsmith-soak-"))
    chance, found = random.Random(options.seed), Counter[str]()
    backends = {"finn": ["legacy_finn"], "stub": ["future_brainsmith"]}.get(
        options.only, ["future_brainsmith", "legacy_finn"]
    )
    kills = rounds = 0
    started = time.monotonic()
    while kills < options.kills:
        place = folder / f"round{rounds}"
        kills += Exploration(place, backends[rounds % len(backends)], chance, found).run(options.kills - kills)
        rounds += 1
        shutil.rmtree(place)
        print(f"{rounds} explorations, {kills} kills, {time.monotonic() - started:.0f} s", flush=True)
    bad = (
        *("lost results", "doubled results", "results that can't be read", "processes left", "damaged databases"),
        *("builds that the store has twice", "finished builds that the store lacks", "hung"),
    )
    print(f"\n{kills} kills in {rounds} explorations, seed {options.seed}, {time.monotonic() - started:.0f} s")
    for name in sorted({*found, *bad}):
        print(f"{name:40} {found[name]:6}")


if __name__ == "__main__":
    main()
