"""Many processes at one store, killed at any moment: what is there is whole, and nobody waits for the dead."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from brainsmith_core.store import ContentStore

WRITER = """
import os, random, sys
from brainsmith_core.store import ContentStore
store = ContentStore(sys.argv[1])
chance = random.Random(int(sys.argv[2]))
print("ready", flush=True)
while True:
    name = str(chance.randrange(12))
    with store.single_flight("step " + name):
        digests = [store.put_bytes((name + str(part)).encode() * 20_000) for part in range(3)]
        store.write_entry("step", "g" + name, "n", {"name": name, "blobs": digests}, digests)
    if chance.random() < 0.05:
        store.gc(max_bytes=400_000, grace=-1)
    for entry in store.entries("step", "g" + str(chance.randrange(12))):
        store.touch(entry)
"""
HOLDER = """
import sys, time
from brainsmith_core.store import ContentStore
with ContentStore(sys.argv[1]).single_flight("key"):
    print("ready", flush=True)
    time.sleep(600)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    # The collection without a grace time may take what another has just put: that is said as such.
    assert process.returncode == -signal.SIGKILL or "DamagedEntry" in errors, errors


def test_writers_that_are_killed_at_any_moment_leave_a_whole_store(tmp_path: Path) -> None:
    chance = random.Random(7)
    root = str(tmp_path / "store")
    warnings: list[str] = []
    store = ContentStore(root, warnings.append)
    for round_ in range(6):
        writers = [start(WRITER, root, str(10 * round_ + index)) for index in range(3)]
        time.sleep(chance.uniform(0.01, 0.15))
        for writer in writers:
            kill(writer)
        for entry in store.all_entries():
            for part, digest in enumerate(entry.document["blobs"]):
                assert store.read(digest) == (entry.document["name"] + str(part)).encode() * 20_000
        assert store.check() == []
    assert warnings == []
    store.gc(grace=-1)
    assert store.stats().temporary_bytes == 0


def test_the_flight_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    root = str(tmp_path / "store")
    holder = start(HOLDER, root)
    store = ContentStore(root)
    with store.single_flight("key", lambda: True) as waited:
        assert waited is None
    kill(holder)
    with store.single_flight("key", lambda: True) as waited:
        assert waited is not None
