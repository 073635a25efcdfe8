"""What `brainsmith diagnose` says about one log file, or about one build's folder."""

from __future__ import annotations

from pathlib import Path

import attrs

from ..build.workspace import Workspace
from ..errors import ConfigurationError
from ..formats.converters import to_tuple
from ..formats.json_values import JSONValue
from ..result import BuildResult, BuildStatus, LogLine

__all__ = ["FileDiagnosis", "diagnose_build", "is_build_folder", "logs_in"]

_LOG_SUFFIXES = {".log", ".out", ".err"}


@attrs.frozen(kw_only=True)
class FileDiagnosis:
    """What a log file, or a build's folder, says about the run that wrote it.

    Args:
        file: its path.
        outcome: `ok`, `failed` or `unknown`.
        category: of the failure (or of what isn't as it should be), or "" where there is none.
        first_error: the first genuine error, or None; it stands in `first_error.file`.
        errors: number of errors.
        critical_warnings: number of critical warnings.
        advice: what to do, and what to know about the log.
    """

    file: str
    outcome: str
    category: str = ""
    first_error: LogLine | None = None
    errors: int = 0
    critical_warnings: int = 0
    advice: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)

    def to_dict(self) -> dict[str, JSONValue]:
        """Return the JSON shape that `brainsmith diagnose --json` gives for a file."""
        first = self.first_error
        return {
            "file": self.file,
            "outcome": self.outcome,
            "category": self.category or None,
            "first_error": {"id": first.id, "text": first.text, "line": first.line} if first else None,
            "errors": self.errors,
            "critical_warnings": self.critical_warnings,
            "advice": list(self.advice),
        }


def is_build_folder(path: Path) -> bool:
    """Return whether a folder holds a build of ours, finished or not."""
    workspace = Workspace(path)
    return workspace.result.is_file() or (workspace.config.is_file() and workspace.log.is_file())


def logs_in(folder: Path) -> list[Path]:
    """Return the logs in a folder and its sub-folders, in a stable order."""
    return sorted(file for file in folder.rglob("*") if file.suffix in _LOG_SUFFIXES and file.is_file())


def diagnose_build(folder: Path) -> FileDiagnosis:
    """Return what a build's own result says.

    Args:
        folder: the build's folder.
    """
    try:
        result = Workspace(folder).read_result()
    except ConfigurationError as error:
        advice = f"The build's result can't be read: {error}"
        return FileDiagnosis(file=str(folder), outcome="unknown", advice=(advice,))
    if result is None:
        advice = "There is no result.json: the build isn't over, or it was killed. Look at its logs, or start it again."
        return FileDiagnosis(file=str(folder), outcome="unknown", advice=(advice,))
    return _of_result(folder, result)


def _of_result(folder: Path, result: BuildResult) -> FileDiagnosis:
    if result.status is BuildStatus.SUCCESS:
        return FileDiagnosis(file=str(folder), outcome="ok", advice=result.warnings)
    outcome = "unknown" if result.status in (BuildStatus.PENDING, BuildStatus.RUNNING) else "failed"
    error = result.error
    if error is None:
        advice = (result.error_message,) if result.error_message else ()
        return FileDiagnosis(file=str(folder), outcome=outcome, errors=int(outcome == "failed"), advice=advice)
    return FileDiagnosis(
        file=str(folder),
        outcome=outcome,
        category=error.category,
        first_error=error.first_error or LogLine(text=error.message),
        errors=1,
        advice=error.advice,
    )
