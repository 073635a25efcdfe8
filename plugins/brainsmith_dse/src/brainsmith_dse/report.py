"""Results as data: for `--json`, for the files of an exploration, and as rows of a table."""

from __future__ import annotations

from typing import Any

from brainsmith_core.config import BuildConfig
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import to_data
from brainsmith_core.result import BuildResult

from .metric_names import metric_value, numbers_of
from .results import ExplorationResults
from .search import SearchConfig
from .sweep import canonical
from .targets import target_of

__all__ = ["csv_rows", "explore_document", "pareto_data", "result_data", "results_data"]


def explore_document(results: ExplorationResults) -> dict[str, JSONValue]:
    """Return what `brainsmith explore --json` prints."""
    best = results.best_config
    return {
        "run": results.run_id,
        "output_dir": results.output_dir,
        "counts": {
            "total": results.total_combinations,
            "succeeded": results.success_count,
            "failed": results.failure_count,
            "skipped": results.skipped_count,
            "cached": results.cached_count,
        },
        "best": best.id if best else None,
        "pareto": [config.id for config in results.pareto_optimal],
        "results": [result_data(results, result) for result in results.evaluations],
        "seconds": round(results.seconds, 3),
    }


def result_data(results: ExplorationResults, result: BuildResult) -> dict[str, JSONValue]:
    """Return one build's line in `results`."""
    config = results.get_config(result.config_id)
    return {
        "config_id": result.config_id,
        "flags": dict(config.config_flags) if config else {},
        "target": target_of(config) if config else {},
        "status": result.status.value,
        "metrics": to_data(result.metrics) if result.metrics else {},
        "cached": result.cached,
        "output_dir": result.output_dir,
        "error": to_data(result.error) if result.error else None,
    }


def results_data(results: ExplorationResults, search: SearchConfig) -> dict[str, JSONValue]:
    """Return what `results.json` holds: the document of `explore --json`, and what decided."""
    return {
        **explore_document(results),
        "design_space_id": results.design_space_id,
        "start_time": results.start_time.isoformat(),
        "end_time": results.end_time.isoformat() if results.end_time else None,
        "objectives": [to_data(objective) for objective in search.objectives],
        "constraints": [to_data(constraint) for constraint in search.constraints],
        "violations": {config_id: list(broken) for config_id, broken in results.violations.items()},
        "metrics_summary": {name: dict(figures) for name, figures in results.metrics_summary.items()},
        "warnings": list(results.warnings),
    }


def pareto_data(results: ExplorationResults, search: SearchConfig) -> dict[str, JSONValue]:
    """Return what `pareto.json` holds: the front, best first by the first objective, with the values that decided."""
    points: list[JSONValue] = []
    simulated = False
    for config in results.pareto_optimal:
        result = results.get_result(config.id)
        assert result is not None
        simulated = simulated or result.simulated
        values: dict[str, JSONValue] = {each.metric: metric_value(result, each.metric) for each in search.objectives}
        points.append({**result_data(results, result), "objectives": values})
    return {
        "objectives": [to_data(objective) for objective in search.objectives],
        "simulated": simulated,
        "points": points,
    }


def csv_rows(results: ExplorationResults) -> list[dict[str, Any]]:
    """Return the rows of `results.csv`; a cell that has no value is empty."""
    front = {config.id for config in results.pareto_optimal}
    best = results.best_config.id if results.best_config else None
    rows = []
    for result in results.evaluations:
        config = results.get_config(result.config_id)
        row: dict[str, Any] = {
            "config_id": result.config_id,
            "status": result.status.value,
            "simulated": _cell(result.simulated),
            "cached": _cell(result.cached),
            "best": _cell(result.config_id == best),
            "pareto": _cell(result.config_id in front),
            "violations": "; ".join(results.violations.get(result.config_id, ())),
            "seconds": round(result.duration_seconds, 3),
        }
        if config is not None:
            row |= _config_cells(config)
        row |= numbers_of(result.metrics) if result.metrics else {}
        row["error"] = result.error_message or ""
        row["output_dir"] = result.output_dir
        rows.append(row)
    # All keys in all rows, in one order: figures before the columns that hold long texts.
    last = ("error", "output_dir")
    keys = dict.fromkeys(key for row in rows for key in row if key not in last)
    return [{key: row.get(key, "") for key in (*keys, *last)} for row in rows]


def _config_cells(config: BuildConfig) -> dict[str, Any]:
    cells: dict[str, Any] = {f"target.{key}": value for key, value in target_of(config).items()}
    cells["kernels"] = " ".join(f"{name}({','.join(backends)})" for name, backends in config.kernels)
    for stage, names in config.transforms.items():
        cells[f"transforms.{stage}"] = " ".join(names)
    cells |= {f"flag.{name}": _cell(value) for name, value in config.config_flags.items()}
    for step in (*config.preprocessing, *config.postprocessing):
        shown = canonical(step.parameters) if step.enabled else "off"
        cells[f"{step.type}.{step.name}"] = shown
    return cells


def _cell(value: JSONValue) -> JSONValue:
    """Return a value as the cell of a table: true and false as in JSON, lists and mappings as JSON."""
    return canonical(value) if isinstance(value, bool | list | dict) else value
