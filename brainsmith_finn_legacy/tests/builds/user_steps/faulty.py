"""Steps of a user's own: one for each thing that can go wrong in a build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def raises(model: Any, cfg: Any) -> Any:
    """Raise while working on a node."""
    node = model.graph.node[0]
    raise ValueError(f"this step always fails, for any {node.op_type}")


def crashes(model: Any, cfg: Any) -> Any:
    """Crash, as native code does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs(model: Any, cfg: Any) -> Any:
    """Hang, deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def eats_memory(model: Any, cfg: Any) -> Any:
    """Take memory in a process of its own."""
    subprocess.run([sys.executable, "-c", "hoard = []\nwhile True: hoard.append(b'x' * 2**24)"], check=True)


def floods(model: Any, cfg: Any) -> Any:
    """Print 80 MB."""
    for _ in range(80 * 1024):
        print("x" * 1023)
    return model


def leaves_processes(model: Any, cfg: Any) -> Any:
    """Leave two processes, one of which has called setsid."""
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    children = [subprocess.Popen(sleeping, start_new_session=own_session) for own_session in (False, True)]
    Path(cfg.output_dir, "children").write_text(" ".join(str(child.pid) for child in children))
    return model


def asks(model: Any, cfg: Any) -> Any:
    """Ask for input."""
    input("really? ")


def debugs(model: Any, cfg: Any) -> Any:
    """Stop at a breakpoint that was forgotten."""
    breakpoint()  # noqa: T100 - that's what is tried here
    return model


def passes(model: Any, cfg: Any) -> Any:
    """Leave the model as it is."""
    return model
