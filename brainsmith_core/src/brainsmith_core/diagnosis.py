"""Say why something failed: category, first genuine error, advice, and whether trying again can help."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import attrs

from .config import BuildConfig
from .context import BuildFailure
from .json_values import JSONValue
from .log_reader import LogFindings, read_log
from .plugins import PluginManager
from .records import ErrorRule
from .result import BuildStatus, ErrorReport, LogLine

__all__ = ["BuildErrorHandler", "FileDiagnosis"]

_GENERAL_ADVICE: dict[str, str] = {
    "timing": "Ask for a slower clock, or look at the critical path of the timing report.",
    "resource": "Lower the parallelism (PE, SIMD, target_fps) or take a larger device.",
    "synthesis": "Look at the first error in the tool's log; check the tool's version and licence.",
    "transform": "Check the order and parameters of the transformations and whether they fit this model.",
    "kernel": "Check that the kernel exists and allows the backend asked for.",
    "model_load": "Check that the file is the ONNX model that you meant, and export it again.",
    "preprocessing": "Look at the step's own log in preprocessing_logs/ and at its parameters.",
    "postprocessing": "Look at the step's own log in postprocessing_logs/ and at its parameters.",
    "metrics": "Look at the report named: it is damaged or of a version that the parser doesn't know.",
    "configuration": "Correct the configuration as the message says.",
    "environment": "brainsmith doctor shows what is missing and how to get it.",
    "licence": "Wait for a free licence, or check the licence server's settings.",
    "memory": "Run fewer builds in parallel, or raise memory_gb.",
    "disk": "Free disk space, or give another output folder.",
    "timeout": "Raise timeout_minutes, or look in the log for what it was waiting for.",
    "cancelled": "Start it again: finished builds are not repeated.",
    "crash": "Look at the end of the build's log; a native library or tool ended without a message.",
    "deadlock": "Look in the log for what it was waiting for.",
    "unknown": "Look at the build's log.",
}


#: What the build itself has seen; no text in a log knows better.
_CERTAIN_STATUS = {BuildStatus.TIMEOUT: "timeout", BuildStatus.CANCELLED: "cancelled"}
_CERTAIN = ("memory", "configuration", "timeout", "cancelled")
_RETRYABLE = ("licence", "memory", "disk")


@attrs.frozen(kw_only=True)
class FileDiagnosis:
    """What a log file, or a build's folder, says about the run that wrote it.

    Args:
        file: its path.
        outcome: `ok`, `failed` or `unknown`.
        category: of the failure, or "" where there is none.
        first_error: the first genuine error, or None.
        errors: number of errors.
        critical_warnings: number of critical warnings.
        advice: what to do.
    """

    file: str
    outcome: str
    category: str = ""
    first_error: LogLine | None = None
    errors: int = 0
    critical_warnings: int = 0
    advice: tuple[str, ...] = ()

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


class BuildErrorHandler:
    """Tells what errors mean, with the rules that core and plugins offer.

    Args:
        plugins: where the rules are registered.

    Example:
        >>> from brainsmith_core.plugins import PluginManager
        >>> handler = BuildErrorHandler(PluginManager())
        >>> handler.categorize_error("OSError: [Errno 28] No space left on device", {})
        'disk'
    """

    ERROR_CATEGORIES: ClassVar[dict[str, str]] = {
        "model_load": "Failed to load input model",
        "preprocessing": "Preprocessing step failed",
        "transform": "Transform application failed",
        "kernel": "Kernel application failed",
        "synthesis": "Hardware synthesis failed",
        "timing": "Timing constraints not met",
        "resource": "Resource constraints exceeded",
        "postprocessing": "Postprocessing failed",
        "metrics": "Metrics extraction failed",
        "configuration": "Configuration is wrong",
        "environment": "Something in the environment is missing or broken",
        "licence": "No licence was available",
        "memory": "Not enough memory",
        "disk": "Not enough disk space",
        "timeout": "Time limit reached",
        "cancelled": "Stopped from outside",
        "crash": "A process ended without a result",
        "deadlock": "No progress",
        "unknown": "Cause not recognised",
    }

    def __init__(self, plugins: PluginManager) -> None:
        offers = plugins.offers("brainsmith_error_rules")
        rules: list[ErrorRule] = [offer.record for offer in offers]
        self._rules = sorted(rules, key=lambda rule: -rule.priority)
        self._patterns = {rule.name: re.compile(rule.pattern) for rule in rules}

    def categorize_error(self, error_message: str, logs: Mapping[str, str]) -> str:
        """Return the category of a failure.

        Args:
            error_message: what is known of it.
            logs: path by name of the logs that may say more.
        """
        rule = self._match(error_message) or self._match_logs(logs)[0]
        return rule.category if rule else "unknown"

    def report(self, failure: BuildFailure, status: BuildStatus, phase: str, logs: Mapping[str, str]) -> ErrorReport:
        """Return the diagnosis of a build that failed.

        Args:
            failure: what the backend or step says.
            status: the build's status.
            phase: the part of the build that failed.
            logs: path by name of the build's logs.
        """
        certain = _CERTAIN_STATUS.get(status, "") or (failure.category if failure.category in _CERTAIN else "")
        rule: ErrorRule | None = None
        first: LogLine | None = None
        if not certain:
            rule = self._match(failure.message) or self._match(failure.traceback)
            if rule is None:
                rule, first = self._match_logs(logs)
        category = certain or (rule.category if rule else "") or failure.category or "unknown"
        return ErrorReport(
            category=category,
            message=failure.message,
            phase=phase,
            step=failure.step,
            first_error=first or self._first_error(logs),
            advice=self._advice(rule, category),
            retryable=rule.retryable if rule else category in _RETRYABLE,
            traceback=failure.traceback,
        )

    def generate_error_report(self, config: BuildConfig, error: str, logs: Mapping[str, str]) -> str:
        """Return a report for people.

        Args:
            config: what was built.
            error: what is known of the failure.
            logs: path by name of the build's logs.
        """
        rule = self._match(error) or self._match_logs(logs)[0]
        category = rule.category if rule else "unknown"
        first = self._first_error(logs)
        lines = [
            "Build error report",
            f"  configuration  {config.id}",
            f"  model          {config.model_path}",
            f"  output stage   {config.global_config.output_stage.value}",
            f"  kernels        {len(config.kernels)}",
            f"  flags          {', '.join(f'{key}={value}' for key, value in config.config_flags.items()) or '-'}",
            f"  category       {category}: {self.ERROR_CATEGORIES[category]}",
            f"  error          {error}",
            *([f"  first error    {first.file}:{first.line}: {first.text}"] if first else []),
            "What to do",
            *(f"  - {text}" for text in self._advice(rule, category)),
            "Logs",
            *(f"  {name}: {path}" for name, path in logs.items()),
        ]
        return "\n".join(lines)

    def diagnose(self, paths: Iterable[Path]) -> list[FileDiagnosis]:
        """Return what each log file says about the run that wrote it.

        Args:
            paths: log files.
        """
        return [self._diagnose_file(path) for path in paths]

    def _diagnose_file(self, path: Path) -> FileDiagnosis:
        findings = read_log(path)
        rule = self._match_findings(findings)
        failed = findings.outcome == "failed"
        category = (rule.category if rule else "unknown") if failed else ""
        return FileDiagnosis(
            file=str(path),
            outcome=findings.outcome,
            category=category,
            first_error=findings.first_error,
            errors=findings.errors,
            critical_warnings=findings.critical_warnings,
            advice=self._advice(rule, category) if failed else (),
        )

    def _advice(self, rule: ErrorRule | None, category: str) -> tuple[str, ...]:
        general = _GENERAL_ADVICE.get(category, "")
        return tuple(dict.fromkeys(text for text in (rule.advice if rule else "", general) if text))

    def _match(self, text: str) -> ErrorRule | None:
        collapsed = " ".join(text.split())
        if not collapsed:
            return None
        hits = (rule for rule in self._rules if not rule.warning and self._patterns[rule.name].search(collapsed))
        return next(hits, None)

    def _match_logs(self, logs: Mapping[str, str]) -> tuple[ErrorRule | None, LogLine | None]:
        for path in logs.values():
            findings = read_log(Path(path))
            rule = self._match_findings(findings)
            if rule is not None:
                return rule, findings.first_error
        return None, None

    def _match_findings(self, findings: LogFindings) -> ErrorRule | None:
        for text in findings.candidates:
            rule = self._match(text)
            if rule is not None:
                return rule
        return None

    def _first_error(self, logs: Mapping[str, str]) -> LogLine | None:
        for path in logs.values():
            first = read_log(Path(path)).first_error
            if first is not None:
                return first
        return None
