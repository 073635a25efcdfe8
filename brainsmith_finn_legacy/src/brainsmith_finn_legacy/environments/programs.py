"""Run an installer: its output is passed on line by line, and it ends with us."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence

import attrs

__all__ = ["Finished", "clean_environment", "run_program"]

# What would make an installer put things elsewhere, or a Python import something of ours.
_MISLEADING = {
    "PIP_DRY_RUN",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
}


@attrs.frozen
class Finished:
    """A program that has ended.

    Args:
        code: its exit code.
        output: all that it printed, on stdout and stderr.
    """

    code: int
    output: str

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.code == 0


def clean_environment() -> dict[str, str]:
    """Return the environment variables without those that would mislead an installer."""
    return {name: value for name, value in os.environ.items() if name not in _MISLEADING}


def run_program(
    command: Sequence[str | os.PathLike[str]],
    *,
    on_line: Callable[[str], None],
    held: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program to its end; if we are interrupted, it is ended first.

    Args:
        command: the program and its arguments.
        on_line: gets each line that it prints.
        held: descriptors of locks, which it holds too: should we be killed, they last until it has ended.
        env: its environment; by default ours without what would mislead it.
    """
    lines: list[str] = []
    process = subprocess.Popen(
        command,
        env=clean_environment() if env is None else env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=tuple(held),
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.append(line)
            if line.strip():
                on_line(line.strip())
        return Finished(process.wait(), "".join(lines))
    except BaseException:  # Ctrl-C, or a full disk: it must not go on writing behind our back
        process.kill()
        process.wait()
        raise
    finally:
        process.stdout.close()
