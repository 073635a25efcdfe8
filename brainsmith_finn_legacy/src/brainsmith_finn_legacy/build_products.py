"""What a FINN build leaves behind: reports for the parsers, products by name, and what isn't as it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from brainsmith_core.formats.json_values import JSONValue

from .error_rules import RULES

__all__ = ["find_products", "find_reports", "quality_warnings"]

_LOG_PREFIX = re.compile(r"^\[[^\]]*\]\s*(?:[A-Z]+:)?\s*")
_MOST_WARNINGS = 20

#: Products by name; where versions put a file in different places, the first that exists.
_PRODUCTS = {
    "estimate_reports": ("report",),
    "performance_data": ("report/rtlsim_performance.json",),
    "build_log": ("build_dataflow.log",),
    "timing_summary": ("report/time_per_step.json", "time_per_step.json"),
    "auto_folding_config": ("report/auto_folding_config.json", "auto_folding_config.json"),
    "final_hw_config": ("report/final_hw_config.json", "final_hw_config.json"),
    "specialize_layers_template": ("template_specialize_layers_config.json",),
    "intermediate_models": ("intermediate_models",),
    "stitched_ip": ("stitched_ip",),
    "bitfile": ("bitfile",),
    "driver": ("driver",),
    "deployment_package": ("deploy",),
    "verification_output": ("verification_output",),
}


def find_products(artifacts: Path) -> dict[str, Path]:
    """Return the products that exist in FINN's output folder, by name."""
    found: dict[str, Path] = {}
    for name, places in _PRODUCTS.items():
        for place in places:
            path = artifacts / place
            if path.is_file() or (path.is_dir() and any(path.iterdir())):
                found.setdefault(name, path)
    return found


def find_reports(artifacts: Path) -> list[Path]:
    """Return where in FINN's output folder its reports are, for the metric parsers."""
    top = sorted(path for path in artifacts.glob("*") if path.is_file())
    folders = [artifacts / name for name in ("report", "verification_output")]
    return [*top, *(folder for folder in folders if folder.is_dir())]


def quality_warnings(artifacts: Path, settings: Mapping[str, JSONValue]) -> list[str]:
    """Return what a build that FINN calls a success doesn't fulfil.

    Args:
        artifacts: FINN's output folder.
        settings: the fields of DataflowBuildConfig.
    """
    found = [
        *_missed_target(artifacts, settings),
        *_failed_verifications(artifacts),
        *_missed_timing(artifacts),
        *_warnings_in_log(artifacts / "build_dataflow.log"),
    ]
    distinct = list(dict.fromkeys(found))
    left = len(distinct) - _MOST_WARNINGS
    return [*distinct[:_MOST_WARNINGS], *([f"{left} more warnings are in build_dataflow.log"] if left > 0 else [])]


def _missed_target(artifacts: Path, settings: Mapping[str, JSONValue]) -> Iterator[str]:
    target = settings.get("target_fps")
    report = artifacts / "report" / "estimate_network_performance.json"
    if not isinstance(target, int) or not report.is_file():
        return
    estimate = json.loads(report.read_bytes()).get("estimated_throughput_fps")
    if isinstance(estimate, int | float) and estimate < target:
        yield f"target_fps {target} isn't met: FINN estimates {estimate:.6g} frames/s"


def _failed_verifications(artifacts: Path) -> Iterator[str]:
    for path in sorted((artifacts / "verification_output").glob("verify_*_FAIL.*")):
        yield f"verification failed: {path.name}"


def _missed_timing(artifacts: Path) -> Iterator[str]:
    report = artifacts / "report" / "post_route_timing.rpt"
    if report.is_file() and "Timing constraints are not met." in report.read_text(errors="replace"):
        yield "timing constraints are not met after routing: see report/post_route_timing.rpt"


def _warnings_in_log(log: Path) -> Iterator[str]:
    if not log.is_file():
        return
    patterns = [re.compile(rule.pattern) for rule in RULES if rule.warning]
    with log.open(errors="replace") as lines:
        for line in lines:
            if any(pattern.search(line) for pattern in patterns):
                yield "FINN: " + " ".join(_LOG_PREFIX.sub("", line).split())
