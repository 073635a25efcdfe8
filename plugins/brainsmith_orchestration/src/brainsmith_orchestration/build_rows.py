"""Builds of the store as rows of tables and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from brainsmith_core.cli.output import Column, number
from brainsmith_core.formats.json_values import JSONValue

__all__ = ["LIST_COLUMNS", "as_json_data", "describe_live", "list_row", "shown_value"]

#: Letters of a text in a table; JSON holds all.
_WIDEST = 40
_TIMES = ("created", "updated", "started", "time", "seen", "enqueued", "not_before")

LIST_COLUMNS: Final = (
    Column("id"),
    Column("build", wide=True),
    Column("status"),
    Column("backend"),
    Column("when"),
    Column("seconds", right=True),
    Column("inferences/s", right=True),
    Column("µs", right=True),
    Column("what happened", wide=True),
)


def list_row(row: dict[str, Any]) -> list[str]:
    """Return the cells of a build for `LIST_COLUMNS`."""
    summary = row["summary"] or {}
    figures = [number(summary.get(name)) for name in ("throughput", "latency")]
    happened = describe_live(row) if row["status"] == "running" else _short(row["message"])
    if row["attempts"] > 1:
        happened = f"{happened} (attempt {row['attempts']})".strip()
    backend = f"{row['backend']} (simulated)" if row["simulated"] else row["backend"]
    facts = [row["id"][:8], row["name"], row["status"], backend, _when(row["updated"]), number(row["seconds"])]
    return [*facts, *figures, happened]


def describe_live(row: dict[str, Any]) -> str:
    """Return how far a running build is.

    Example:
        >>> describe_live({"live": {"phase": "backend", "step": "hls", "index": 2, "total": 9, "line": ""}})
        'hls (2/9)'
        >>> describe_live({"live": {"step": "hls", "sample": {"cpu_percent": 180.2, "memory_bytes": 2.1e9}}})
        'hls, CPU 180 %, 2.1 GB'
    """
    live = row["live"] or {}
    step, index, total = live.get("step"), live.get("index"), live.get("total")
    place = f"{step} ({index}/{total})" if step and index and total else step or live.get("phase") or "starting"
    line = live.get("line") or ""
    place = ", ".join([place, *_described_sample(live.get("sample") or {})])
    return f"{place}: {_short(line)}" if line else str(place)


def _described_sample(sample: dict[str, Any]) -> list[str]:
    texts = {"cpu_percent": "CPU {:.0f} %", "memory_bytes": "{:.1f} GB", "disk_free_bytes": "{:.0f} GB disk free"}
    scale = {"memory_bytes": 1e-9, "disk_free_bytes": 1e-9}
    return [text.format(sample[name] * scale.get(name, 1)) for name, text in texts.items() if name in sample]


def shown_value(value: JSONValue) -> str:
    """Return a value for people, `-` where there is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return "-" if value is None else _short(str(value))


def as_json_data(row: dict[str, Any]) -> dict[str, JSONValue]:
    """Return a row as JSON data: times in ISO 8601, UTC."""
    return {
        key: _iso(value)
        if key in _TIMES and isinstance(value, int | float)
        else [as_json_data(item) for item in value]
        if key in ("attempts", "steps") and isinstance(value, list)
        else value
        for key, value in row.items()
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%m-%d %H:%M")


def _short(text: str) -> str:
    first = text.partition("\n")[0]
    return first if len(first) <= _WIDEST else f"{first[: _WIDEST - 1]}…"
