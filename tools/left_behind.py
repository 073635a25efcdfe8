"""Tell whether a test run left files in the checkout or processes behind."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


def new_files(before: str) -> list[str]:
    """Return the lines of `git status` that weren't there before.

    Args:
        before: what `git status --porcelain` printed before the run.
    """
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "status", "--porcelain"]
    now = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    return sorted(set(now.splitlines()) - set(before.splitlines()))


def left_processes(root: Path) -> list[str]:
    """Return the processes that run in or from a folder, other than ourselves and what started us."""
    me = psutil.Process()
    known = {me.pid, *(parent.pid for parent in me.parents())}
    found = []
    for process in psutil.process_iter():
        try:
            words = [process.cwd(), *process.cmdline()]
        except psutil.Error:
            continue
        if process.pid not in known and any(word == str(root) or f"{root}/" in word for word in words):
            found.append(f"{process.pid}: {' '.join(words[1:])} (in {words[0]})")
    return found


def main() -> int:
    """Print what is left behind; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default="", help="what `git status --porcelain` printed before")
    before = parser.parse_args().before
    found = [f"file: {line}" for line in new_files(before)]
    found += [f"process {line}" for line in left_processes(ROOT)]
    print("\n".join(found) or "nothing is left behind")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
