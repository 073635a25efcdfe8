"""The worker as a program: its command line, and the import of the tasks."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import io
import os
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .child import describe_error
from .lines import LineReader, LineWriter, encode
from .server import Server

__all__ = ["load_tasks", "main"]

_EXIT_HANDLERS_S = 3  # the time that the exit handlers of what the tasks import may take


def main(arguments: list[str]) -> None:
    """Run the worker until its controller asks it to leave, or is gone."""
    parser = argparse.ArgumentParser(prog="worker", description="Run tasks in child processes.")
    parser.add_argument("--tasks", required=True, help="a Python file, a package's folder or a dotted name")
    parser.add_argument("--fd-in", type=int, required=True, help="descriptor on which commands come")
    parser.add_argument("--fd-out", type=int, required=True, help="descriptor on which answers go")
    parser.add_argument("--controller", type=int, required=True, help="process id of the controller")
    options = parser.parse_args(arguments)
    for fd in (options.fd_in, options.fd_out):
        os.set_inheritable(fd, False)
    for stream in (sys.stdout, sys.stderr):  # here, since the children inherit the setting
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    answers = LineWriter(options.fd_out)
    try:
        tasks = load_tasks(options.tasks)
        ready = _describe(tasks)
    except BaseException as error:  # foreign code: an import may raise anything
        answers.send(encode({"failed": describe_error(error)}))
        answers.flush_all()
        raise
    try:
        Server(tasks, LineReader(options.fd_in), answers, options.controller).serve(ready)
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_EXIT_HANDLERS_S)  # ends a process whose exit handlers hang


def load_tasks(tasks: str) -> ModuleType:
    """Import the tasks by path (a file, or the folder of a package) or by dotted name."""
    if os.sep not in tasks:
        return importlib.import_module(tasks)
    path = Path(tasks)
    spec = importlib.util.spec_from_file_location(path.stem, path / "__init__.py" if path.is_dir() else path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{tasks} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _describe(tasks: ModuleType) -> dict[str, Any]:
    """Return what the controller is told first."""
    describe = getattr(tasks, "describe", None)
    ready = {
        "pid": os.getpid(),
        "python": sys.version.split()[0],
        "describe": describe() if callable(describe) else None,
    }
    encode(ready)  # what JSON can't hold is a failed import, with its traceback
    return ready
