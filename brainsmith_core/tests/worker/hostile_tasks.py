"""Tasks for the tests of the worker: well-behaved ones, and all that a foreign program may do wrong."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Args = dict[str, Any]
Emit = Callable[[dict[str, Any]], None]

# Imported once, in the worker; its children share it.
BALLAST = bytearray(os.urandom(1024)) * (100 * 1024)


def describe() -> dict[str, Any]:
    return {"name": "hostile", "path_head": sys.path[0], "modules": sorted(sys.modules)}


def echo(args: Args, emit: Emit) -> Args:
    for number in range(args.get("events", 0)):
        emit({"number": number})
    print("echo speaks")
    return args


def nothing(args: Args, emit: Emit) -> None:
    return None


def where(args: Args, emit: Emit) -> Args:
    return {
        "cwd": str(Path.cwd()),
        "env": {name: os.environ.get(name) for name in args["names"]},
        "stdin": sys.stdin.fileno(),
    }


# --- ways to fail


class HostileError(Exception):
    pass


def fail(args: Args, emit: Emit) -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise HostileError("outer") from error


def leave(args: Args, emit: Emit) -> None:
    sys.exit(args["code"])


def interrupt(args: Args, emit: Emit) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def leave_at_once(args: Args, emit: Emit) -> None:
    print("last words")
    os._exit(args["code"])


def die(args: Args, emit: Emit) -> None:
    os.kill(os.getpid(), args["signal"])
    time.sleep(60)


def ask(args: Args, emit: Emit) -> str:
    return input("what? ")


def return_object(args: Args, emit: Emit) -> object:
    return object()


def emit_object(args: Args, emit: Emit) -> None:
    emit({"x": object()})


# --- ways not to end


def hang(args: Args, emit: Emit) -> None:
    emit({"pid": os.getpid(), "supervisor": os.getppid()})
    time.sleep(600)


def ignore_sigterm(args: Args, emit: Emit) -> None:
    faulthandler.unregister(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    emit({})
    time.sleep(600)


def block_signals(args: Args, emit: Emit) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    emit({})
    time.sleep(600)


def stop_own_group(args: Args, emit: Emit) -> None:
    emit({})
    os.killpg(0, signal.SIGSTOP)


def stop_supervisor(args: Args, emit: Emit) -> None:
    os.kill(os.getppid(), signal.SIGSTOP)
    emit({})
    time.sleep(600)


def close_all_descriptors(args: Args, emit: Emit) -> None:
    emit({})
    os.closerange(0, 1024)
    time.sleep(args["seconds"])


def spin(args: Args, emit: Emit) -> None:
    emit({})
    while True:
        pass


# --- memory


def eat(args: Args, emit: Emit) -> int:
    return len(bytearray(args["bytes"]))


def eat_slowly(args: Args, emit: Emit) -> None:
    """Several processes, each of them below the limit."""
    eater = f"x = bytearray(b'1' * {args['bytes']}); print('eaten', flush=True); import time; time.sleep(600)"
    eaters = [subprocess.Popen([sys.executable, "-c", eater], stdout=subprocess.PIPE) for _ in range(args["processes"])]
    for each in eaters:
        assert each.stdout is not None
        each.stdout.readline()
    emit({})
    time.sleep(600)


def share_ballast(args: Args, emit: Emit) -> None:
    """Many processes that use the worker's memory and none of their own; long enough for several samples."""
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(600)
    time.sleep(args["seconds"])


# --- output and messages


def flood(args: Args, emit: Emit) -> None:
    line = b"x" * 1023 + b"\n"
    for _ in range(args["kib"]):
        os.write(1, line)
    print("the last line")


def big_result(args: Args, emit: Emit) -> str:
    size: int = args["bytes"]
    return "x" * size


def event_flood(args: Args, emit: Emit) -> None:
    for number in range(args["count"]):
        emit({"number": number, "text": "y" * args["bytes"]})


def _pipes() -> list[int]:
    """The descriptors above stderr that are pipes: the way of the messages, among others."""
    found = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            if int(entry.name) > 2 and str(entry.readlink()).startswith("pipe:"):
                found.append(int(entry.name))
    return found


def write_garbage(args: Args, emit: Emit) -> str:
    emit({"number": 1})
    for pipe in _pipes():
        os.write(
            pipe,
            b'garbage\n{"event": {}\n[[[[\n\xff\x00\n"text"\n{"done":{"outcome":"ok"},"id":"1"}\n'
            + b"[" * 50_000
            + b"\nno end",
        )
    emit({"number": 2})
    return "through"


def replace_message_pipe(args: Args, emit: Emit) -> None:
    file = os.open(args["file"], os.O_WRONLY | os.O_CREAT)
    for pipe in _pipes():
        os.dup2(file, pipe)


def write_odd_text(args: Args, emit: Emit) -> str:
    print("surrogate \udc80, umlaut \u00fc")
    sys.stdout.flush()
    return "\udc80\u00fc"


# --- other processes


def in_background(args: Args, emit: Emit) -> None:
    """A plain child, one in a session of its own, and a double fork: all outlive the task."""
    subprocess.Popen(["sleep", "600"])
    subprocess.Popen(["sleep", "601"], start_new_session=True)
    daemonise = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(602)"
    subprocess.run([sys.executable, "-c", daemonise], check=True)
    emit({})
    if args.get("hang"):
        time.sleep(600)


def deaf_background(args: Args, emit: Emit) -> None:
    deaf = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"]
    process = subprocess.Popen(deaf, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()


def respawn(args: Args, emit: Emit) -> None:
    """A process that forks and leaves, again and again: it never has the same id for long."""
    flee = ["import os, time, signal", "signal.signal(15, signal.SIG_IGN)", "while True:"]
    flee += ["    if os.fork(): os._exit(0)", "    time.sleep(0.002)"]
    subprocess.run([sys.executable, "-c", "\n".join(flee)], check=True)
    time.sleep(0.2)


def come_back_twice(args: Args, emit: Emit) -> str:
    if os.fork() == 0:
        return "the copy"
    os.wait()
    return "the original"


def fail_in_copy(args: Args, emit: Emit) -> str:
    if os.fork() == 0:
        raise HostileError("in the copy")
    os.wait()
    return "the original"


def _square(number: int) -> int:
    return number * number


def use_pool(args: Args, emit: Emit) -> list[int]:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(_square, range(5))


def use_threads(args: Args, emit: Emit) -> None:
    def many(name: int) -> None:
        for number in range(args["count"]):
            emit({"thread": name, "number": number, "text": "z" * 5000})

    threads = [threading.Thread(target=many, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def leave_thread(args: Args, emit: Emit) -> str:
    threading.Thread(target=time.sleep, args=(600,)).start()
    return "done"


def use_up_descriptors(args: Args, emit: Emit) -> None:
    held = []
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))


def zombies(args: Args, emit: Emit) -> str:
    for _ in range(20):
        os.posix_spawn("/bin/true", ["true"], {})
    return "done"


def count_processes(args: Args, emit: Emit) -> int:
    """How many zombies the supervisor has, after orphans of ours have ended."""
    for _ in range(10):
        subprocess.run(["sh", "-c", "sleep 0.01 &"], check=True)
    time.sleep(0.5)
    supervisor = os.getppid()
    zombies = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            zombies += stat.read_text().rpartition(")")[2].split()[:2] == ["Z", str(supervisor)]
    return zombies


def show_signals(args: Args, emit: Emit) -> Args:
    return {
        "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "sigint": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "session": os.getsid(0) == os.getpid(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
    }
