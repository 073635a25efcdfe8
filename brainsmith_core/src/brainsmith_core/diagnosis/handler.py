"""Say why something failed: category, first genuine error, advice, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from ..config import BuildConfig
from ..context import BuildFailure
from ..plugins.manager import PluginManager, default_plugins
from ..records import ErrorRule
from ..result import BuildStatus, ErrorReport
from .file_diagnosis import FileDiagnosis, diagnose_build, is_build_folder, logs_in
from .log_diagnosis import LogDiagnoser, LogDiagnosis
from .rule_book import RuleBook

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
    "simulation": "Look at the simulation's first error, and run the test bench in software first.",
    "unknown": "Look at the build's log.",
}


#: What the build itself has seen; no text in a log knows better.
_CERTAIN_STATUS = {BuildStatus.TIMEOUT: "timeout", BuildStatus.CANCELLED: "cancelled"}
_CERTAIN = ("memory", "configuration", "timeout", "cancelled")
_RETRYABLE = ("licence", "memory", "disk")


class BuildErrorHandler:
    """Tells what errors mean, with the rules that core and plugins offer.

    Args:
        plugins: where the rules are registered; else the plugins of this environment.

    Example:
        >>> from brainsmith_core.plugins.manager import PluginManager
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
        "simulation": "Simulation failed",
        "unknown": "Cause not recognised",
    }

    def __init__(self, plugins: PluginManager | None = None) -> None:
        offers = (plugins or default_plugins()).offers("brainsmith_error_rules")
        self._rules = RuleBook(offer.record for offer in offers)
        self._logs = LogDiagnoser(self._rules)

    def categorize_error(self, error_message: str, logs: Mapping[str, str]) -> str:
        """Return the category of a failure.

        Args:
            error_message: what is known of it.
            logs: path by name of the logs that may say more.
        """
        rule = self._explain(error_message, "", logs)[0]
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
        rule, log = self._explain(failure.message, failure.traceback, logs)
        if certain:
            rule = None
        category = certain or (rule.category if rule else "") or failure.category or "unknown"
        return ErrorReport(
            category=category,
            message=failure.message,
            phase=phase,
            step=failure.step,
            first_error=log.first_error if log else None,
            advice=[*self._advice(rule, category), *(log.notes if log and not certain else [])],
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
        rule, log = self._explain(error, "", logs)
        category = rule.category if rule else "unknown"
        first = log.first_error if log else None
        flags = ", ".join(f"{key}={value}" for key, value in config.config_flags.items())
        lines = [
            "Build error report",
            f"  configuration  {config.id}",
            f"  model          {config.model_path}",
            f"  output stage   {config.global_config.output_stage.value}",
            f"  kernels        {len(config.kernels)}",
            f"  transforms     {', '.join(map(str, config.transforms)) or '-'}",
            f"  flags          {flags or '-'}",
            f"  category       {category}: {self.ERROR_CATEGORIES.get(category, category)}",
            f"  error          {error}",
            *([f"  first error    {first.file}:{first.line}: {first.text}"] if first else []),
            f"  try again      {'may help' if rule and rule.retryable else 'something must change first'}",
            "What to do",
            *(f"  - {text}" for text in [*self._advice(rule, category), *(log.notes if log else [])]),
            "Logs",
            *([f"  {name}: {path}" for name, path in logs.items()] or ["  -"]),
        ]
        return "\n".join(lines)

    def diagnose(self, paths: Iterable[Path]) -> list[FileDiagnosis]:
        """Return what log files, and builds' folders with the logs in them, say about the runs that wrote them.

        Args:
            paths: log files and folders.
        """
        return [found for path in paths for found in self._diagnose(path)]

    def _diagnose(self, path: Path) -> Iterator[FileDiagnosis]:
        if not path.is_dir():
            yield self._diagnose_log(path)
            return
        if is_build_folder(path):
            yield diagnose_build(path)
        for log in logs_in(path):
            yield self._diagnose_log(log)

    def _diagnose_log(self, path: Path) -> FileDiagnosis:
        log = self._logs.diagnose(path)
        rule = log.match.rule if log.match else None
        failed = log.findings.outcome == "failed"
        category = rule.category if rule else "unknown" if failed else ""
        return FileDiagnosis(
            file=str(path),
            outcome=log.findings.outcome,
            category=category,
            first_error=log.first_error,
            errors=log.findings.errors,
            critical_warnings=log.findings.critical_warnings,
            advice=[*(self._advice(rule, category) if category else []), *log.notes],
        )

    def _advice(self, rule: ErrorRule | None, category: str) -> list[str]:
        general = _GENERAL_ADVICE.get(category, "")
        return list(dict.fromkeys(text for text in (rule.advice if rule else "", general) if text))

    def _explain(
        self, message: str, traceback: str, logs: Mapping[str, str]
    ) -> tuple[ErrorRule | None, LogDiagnosis | None]:
        """Return the rule that a failure matches, and what the log means in which its first error stands.

        The message goes before the logs, unless it only names a log; what is vague, after both.
        """
        paths = [Path(log) for log in logs.values()]
        own = self._rules.match_any([message, traceback])
        followed = self._logs.follow(message, paths[0].parent if paths else Path())
        log = followed or self._logs.first_failed(paths)
        ranked = [followed.match if followed else None, own, log.match if log else None]
        matches = [match for match in ranked if match is not None]
        clear = [match for match in matches if match.rule.priority >= 0]
        best = next(iter(clear or matches), None)
        return (best.rule if best else None), log
