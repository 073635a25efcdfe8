"""The FINN environments that are known on this machine: one JSON file for each, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from brainsmith_core.errors import BrainsmithError, ConfigurationError, MissingRequirementError
from brainsmith_core.formats.converters import to_tuple
from brainsmith_core.formats.serialization import from_data, to_data

from .homes import exclusive, finn_home
from .profiles import environment_name
from .records import FINNDescription, FINNEnvironment, Flavour, Kind

__all__ = ["MARKER", "Entry", "FINNInstallationRegistry", "Facts", "Record", "clear_folder"]

_FORMAT = 1
_ATTEMPTS = 20
_PAUSE_S = 0.25

#: A file in every folder that we made; without it, no folder is ever removed.
MARKER = "brainsmith-finn-environment"


@attrs.frozen(kw_only=True)
class Entry:
    """What was told or done: it can't be found out again.

    Args:
        name: the environment's name.
        kind: managed by us, a checkout, or an interpreter.
        path: its folder.
        python: its interpreter.
        version: of a managed one what was asked for, else "".
        profile: of a managed one, else "".
        lock_sha256: of the lock file that it was installed from, else "".
        installed_identity: its identity when it was installed, else "".
        installed_at: when it was installed, in ISO 8601, else "".
        install_seconds: how long that took.
        size_bytes: how much room it took then.
    """

    name: str
    kind: Kind
    path: Path
    python: Path
    version: str = ""
    profile: str = ""
    lock_sha256: str = ""
    installed_identity: str = ""
    installed_at: str = ""
    install_seconds: float | None = None
    size_bytes: int | None = None

    @property
    def checkout(self) -> Path | None:
        """The source tree to import FINN from, if it is one."""
        return self.path if self.kind == "checkout" else None

    @property
    def install_command(self) -> str:
        """The command that installs a managed environment like this one."""
        words = ["brainsmith finn install", self.version, *(["--full"] if self.profile == "full" else [])]
        if self.name != environment_name(self.version, self.profile):
            words.append(f"--name {self.name}")
        if self.path.name != self.name:
            words.append(f"--path {self.path}")
        return " ".join(words)


@attrs.frozen(kw_only=True)
class Facts:
    """What was asked of an environment: it can be asked again.

    Args:
        flavour: FINN or FINN+.
        version: of FINN.
        identity: see `FINNEnvironment`.
        stamp: see `identity.stamp_of`.
        folders: folders of the packages `finn` and `qonnx`.
        site_folders: where its distributions are installed.
        xsi: whether XSI (RTL simulation) was built and Vivado there.
        description: what it can do.
    """

    flavour: Flavour
    version: str
    identity: str
    stamp: str
    folders: dict[str, str]
    site_folders: tuple[str, ...] = attrs.field(converter=to_tuple)
    xsi: bool
    description: FINNDescription


@attrs.frozen(kw_only=True)
class Record:
    """All that is known about an environment; no facts, if it has to be asked first."""

    entry: Entry
    facts: Facts | None = None

    @property
    def environment(self) -> FINNEnvironment | None:
        """The environment as others see it, or None without facts."""
        entry, facts = self.entry, self.facts
        if facts is None:
            return None
        return FINNEnvironment(
            name=entry.name,
            kind=entry.kind,
            path=entry.path,
            python=entry.python,
            profile=entry.profile,
            version=facts.version,
            flavour=facts.flavour,
            identity=facts.identity,
            description=facts.description,
        )


class FINNInstallationRegistry:
    """Remembers FINN environments, keeps their folders apart, and clears away what was never finished.

    Args:
        home: the folder of all; the user's by default.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or finn_home()

    def folder(self, name: str) -> Path:
        """Return where a managed environment of that name goes."""
        return self.home / name

    def names(self) -> list[str]:
        """Return the names of all that are known."""
        return sorted(file.stem for file in self.home.glob("*.json"))

    def load(self, name: str) -> Record | None:
        """Return what is known about an environment, or None.

        Raises:
            MissingRequirementError: there's a record, but it can't be read.
        """
        file = self._file(name)
        try:
            data: Any = json.loads(file.read_text(encoding="utf-8"))
            entry = from_data(Entry, data["entry"], str(file))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, BrainsmithError) as error:
            text = f"what is known about the FINN environment {name} can't be read: {error}"
            hint = f"forget it with: brainsmith finn remove {name}"
            raise MissingRequirementError(text, hint=hint) from error
        if data.get("format") != _FORMAT:
            return Record(entry=entry)
        try:
            facts = None if data["facts"] is None else from_data(Facts, data["facts"], str(file))
        except ConfigurationError:
            facts = None  # written by another version of ours; it'll be asked again
        return Record(entry=entry, facts=facts)

    def records(self) -> Iterator[Record]:
        """Yield all that can be read; `load` says why one can't."""
        for name in self.names():
            with contextlib.suppress(MissingRequirementError):
                record = self.load(name)
                if record is not None:
                    yield record

    def save(self, record: Record) -> None:
        """Write what is known about an environment.

        Raises:
            OSError: it can't be written; then nothing is changed.
        """
        facts = None if record.facts is None else to_data(record.facts)
        text = json.dumps({"format": _FORMAT, "entry": to_data(record.entry), "facts": facts})
        file = self._file(record.entry.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".new{os.getpid()}")
        try:
            with fresh.open("w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Remove what is known about an environment; its folder stays."""
        self._file(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, name: str, waiting: Callable[[], None] | None = None) -> Iterator[int]:
        """Hold the lock of an environment; see `homes.exclusive`."""
        with exclusive(self.home / ".locks" / f"{name}.lock", waiting) as descriptor:
            yield descriptor

    @contextlib.contextmanager
    def folder_lock(self, folder: Path, waiting: Callable[[], None]) -> Iterator[int]:
        """Hold the lock of a folder that an environment is installed into."""
        digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        with self.lock(f"folder-{digest}", waiting) as descriptor:
            yield descriptor

    def unfinished(self) -> list[str]:
        """Return the names of environments that are being installed or removed, or never were to the end."""
        known = set(self.names())
        if not self.home.is_dir():
            return []
        return sorted(each.name for each in self.home.iterdir() if each.name not in known and (each / MARKER).exists())

    def sweep(self) -> list[str]:
        """Remove what interrupted installations and removals left; return the names of those.

        What somebody works on right now is left alone.
        """
        swept = []
        for name in self.unfinished():
            with contextlib.suppress(BlockingIOError), self.lock(name):
                if not self._file(name).exists():
                    clear_folder(self.folder(name))
                    swept.append(name)
        return swept

    def _file(self, name: str) -> Path:
        return self.home / f"{name}.json"


def clear_folder(folder: Path) -> None:
    """Remove a folder that we made; the mark that it is ours goes last, so that an interruption can be made good."""
    if not (folder / MARKER).exists():
        return
    for attempt in range(_ATTEMPTS):
        try:
            for each in folder.iterdir():
                if each.name != MARKER:
                    _remove(each)
            break
        except OSError:
            # The import of an installer that was killed a moment ago may still be writing byte code there.
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_S)
    (folder / MARKER).unlink()
    folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
