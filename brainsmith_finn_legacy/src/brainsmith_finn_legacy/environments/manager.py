"""The one place to find, install, check and remove FINN environments."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import attrs

from brainsmith_core.errors import ConfigurationError, MissingRequirementError, did_you_mean

from .dependencies import FINNDependencyResolver
from .discovery import discover
from .inspection import inspect_finn
from .installation import InstallRequest, install, is_current
from .lookup import locate
from .profiles import DEFAULT_VERSION, FINNVersionManager
from .records import FINNEnvironment, FINNInstallation, FINNValidation
from .registry import FINNInstallationRegistry, Record, clear_folder
from .validation import broken, examine

__all__ = ["FINNEnvironmentManager"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")


def _silent(_: str) -> None:
    """Report nothing."""


class FINNEnvironmentManager:
    """Finds, installs, checks and removes FINN environments.

    Args:
        home: the folder of the managed ones; see `finn_home`.
        report: told what takes time, a line at a time.

    Example:
        >>> import tempfile
        >>> manager = FINNEnvironmentManager(home=Path(tempfile.mkdtemp()))
        >>> manager.installation_registry.names()
        []
    """

    def __init__(self, home: Path | None = None, report: Callable[[str], None] = _silent) -> None:
        self._report = report
        self.installation_registry = FINNInstallationRegistry(home)
        self.version_manager = FINNVersionManager()
        self.dependency_resolver = FINNDependencyResolver(report)

    def discover_finn_installations(self) -> tuple[FINNInstallation, ...]:
        """Return all FINN environments of this machine, without importing FINN; the default one comes first.

        What an interrupted installation left is removed.
        """
        for name in self.installation_registry.sweep():
            self._report(f"removed what an interrupted installation had left of {name}")
        return discover(self.installation_registry)

    def install_finn_version(
        self,
        version: str = DEFAULT_VERSION,
        install_path: Path | None = None,
        full: bool = False,
        *,
        name: str | None = None,
        python: Path | None = None,
        again: bool = False,
    ) -> FINNEnvironment:
        """Install a version of FINN+ if it isn't there, and return its environment.

        An attempt that fails or is interrupted leaves nothing that would be believed later.

        Args:
            version: such as `1.6.1`.
            install_path: the folder that it goes to, instead of one among the managed ones.
            full: with PyTorch, Brevitas and whatever else FINN+ declares; estimates don't need them.
            name: what the environment is called; by default after the version.
            python: the Python to make it with; by default one that suits is looked for.
            again: install it anew if it is there.

        Raises:
            ConfigurationError: there's no such version, or name, folder or Python don't suit.
            MissingRequirementError: something couldn't be had, such as a download or a Python.
        """
        profile = self.version_manager.profile(version, full=full)
        chosen = name or profile.name
        if not _NAME.match(chosen):
            raise ConfigurationError(f'an environment can\'t be called "{chosen}"', hint="use letters, digits, . _ + -")
        folder = install_path or self.installation_registry.folder(chosen)
        request = InstallRequest(
            profile=profile, name=chosen, folder=folder.expanduser().absolute(), python=python, again=again
        )
        record = install(request, self.installation_registry, self.dependency_resolver, self._report)
        assert record.environment is not None
        return record.environment

    def validate_finn_environment(
        self, path_or_name: str | Path | None = None, python: Path | None = None
    ) -> FINNValidation:
        """Import a FINN environment for real, and say what works and how to mend what doesn't.

        A checkout or interpreter that works is remembered, with its name.

        Args:
            path_or_name: a name, a version, the path of a checkout, of a Python or of its environment, or None for
                the default.
            python: the interpreter of a checkout.

        Raises:
            ConfigurationError: there can't be such an environment.
            MissingRequirementError: there's none, and how to get it.
        """
        record = locate(self.installation_registry, _text(path_or_name), python)
        self._report(f"importing FINN from {record.entry.path}")
        with self.installation_registry.lock(record.entry.name, self._waiting(record)):
            try:
                facts = inspect_finn(record.entry.python, record.entry.checkout)
            except MissingRequirementError as error:
                if record.facts is not None:  # it isn't to be believed any more
                    self.installation_registry.save(attrs.evolve(record, facts=None))
                return broken(record, error)
            fresh = attrs.evolve(record, facts=facts)
            self.installation_registry.save(fresh)
        return examine(record, fresh)

    def remove_finn_environment(self, name: str) -> Path | None:
        """Remove a managed environment, or forget another one, whose files stay.

        Returns:
            The folder that was removed, or None if something was forgotten only.

        Raises:
            ConfigurationError: there's no environment of that name.
        """
        registry = self.installation_registry
        known = registry.names()
        if name not in known:
            profile = self.version_manager.named(name)
            text = f'there is no FINN environment "{name}"'
            hint = did_you_mean(profile.name if profile else name, known) or None
            raise ConfigurationError(text, hint=hint)
        with registry.lock(name, lambda: self._report(f"waiting for another process that uses {name}")):
            folder = None
            with contextlib.suppress(MissingRequirementError):  # unreadable: then only the record goes
                record = registry.load(name)
                if record is not None and record.entry.kind == "managed":
                    folder = record.entry.path
            registry.forget(name)
            if folder is not None:
                clear_folder(folder)
            return folder

    def find(self, name_or_version: str | Path | None = None, python: Path | None = None) -> FINNEnvironment:
        """Return the FINN environment that is meant; if it has changed, it is asked anew.

        Args:
            name_or_version: a name, a version, a path, `current`, or None for the default: BRAINSMITH_FINN, else
                FINN_ROOT, else the managed FINN+ of the default version.
            python: the interpreter of a checkout.

        Raises:
            ConfigurationError: there can't be such an environment.
            MissingRequirementError: it isn't there or doesn't work; the message says how to get it.
        """
        record = locate(self.installation_registry, _text(name_or_version), python)
        found = self._current(record)
        if found is not None:
            return found
        if not record.entry.python.exists():
            raise _gone(record)
        with self.installation_registry.lock(record.entry.name, self._waiting(record)):
            # Another process may have asked it while we waited.
            record = self.installation_registry.load(record.entry.name) or record
            found = self._current(record)
            if found is None:
                self._report(f"asking the FINN at {record.entry.path} what it can do")
                facts = inspect_finn(record.entry.python, record.entry.checkout)
                record = attrs.evolve(record, facts=facts)
                self.installation_registry.save(record)
                found = record.environment
        assert found is not None
        return found

    def _current(self, record: Record) -> FINNEnvironment | None:
        if record.facts is None or not is_current(record.facts, record.entry.python):
            return None
        return record.environment

    def _waiting(self, record: Record) -> Callable[[], None]:
        return lambda: self._report(f"waiting for another process that uses {record.entry.name}")


def _gone(record: Record) -> MissingRequirementError:
    entry = record.entry
    text = f"the FINN environment {entry.name} doesn't work: {entry.python} is gone"
    if entry.kind == "managed":
        return MissingRequirementError(text, hint=f"make it anew: {entry.install_command}")
    return MissingRequirementError(text, hint=f"forget it: brainsmith finn remove {entry.name}")


def _text(wanted: str | Path | None) -> str | None:
    if isinstance(wanted, Path):
        return str(wanted.expanduser().absolute())
    return wanted
