"""Results of builds that never came to a result of their own."""

from __future__ import annotations

import errno
import traceback
from datetime import UTC, datetime
from pathlib import Path

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError
from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport

__all__ = ["failed_result", "skipped_result"]


def failed_result(config: BuildConfig, error: BaseException) -> BuildResult:
    """Return the result of a build whose runner raised.

    Args:
        config: the build.
        error: what was raised; its traceback is kept unless the message is for the user anyway.
    """
    if isinstance(error, BrainsmithError):
        report = ErrorReport(category=error.category, message=error.message, advice=(error.hint,) if error.hint else ())
    else:
        report = ErrorReport(
            category=_category(error),
            message=f"the build's runner raised {type(error).__name__}: {error}",
            traceback="".join(traceback.format_exception(error)),
        )
    result = _empty(config, BuildStatus.FAILED, report.message)
    result.error = report
    return result


def _category(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk"
    return "memory" if isinstance(error, MemoryError) else "unknown"


def skipped_result(config: BuildConfig, reason: str) -> BuildResult:
    """Return the result of a build that was never started.

    Args:
        config: the build.
        reason: why not.
    """
    return _empty(config, BuildStatus.SKIPPED, f"not started: {reason}")


def _empty(config: BuildConfig, status: BuildStatus, message: str) -> BuildResult:
    now = datetime.now(UTC)
    return BuildResult(
        config_id=config.id,
        status=status,
        start_time=now,
        end_time=now,
        error_message=message,
        output_dir=str(Path(config.output_dir).absolute()),
    )
