"""A PostgreSQL server for tests, from whatever binaries there are."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

ACCOUNT = "postgres"


def binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl`, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


def why_not() -> str:
    """Why no server can be started, or ""."""
    if binaries() is None:
        return "PostgreSQL's server isn't installed (initdb)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(ACCOUNT)
        except KeyError:
            return f"PostgreSQL doesn't run as root, and there is no account {ACCOUNT}"
    return ""


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """Run a server that listens on a socket in a folder of its own, and give that folder."""
    found = binaries()
    assert found is not None
    with tempfile.TemporaryDirectory(prefix="bs-pg-") as name:
        data, log = Path(name, "data"), Path(name, "log")
        account: str | None = None
        if os.geteuid() == 0:
            account = ACCOUNT
            shutil.chown(name, ACCOUNT)

        def call(tool: str, *arguments: str) -> None:
            command = [str(found / tool), *arguments]
            subprocess.run(command, check=True, user=account, cwd=name, stdout=subprocess.DEVNULL, timeout=120)

        call("initdb", "-D", str(data), "-A", "trust", "-U", ACCOUNT, "--no-sync", "-E", "UTF8")
        options = f"-k {name} -c listen_addresses='' -c fsync=off"
        call("pg_ctl", "-D", str(data), "-w", "-l", str(log), "-o", options, "start")
        try:
            yield name
        finally:
            call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
