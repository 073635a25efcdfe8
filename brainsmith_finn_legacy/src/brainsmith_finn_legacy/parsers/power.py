"""Vivado's power estimates, as FINN+ sums them up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report

from .reading import note_unknown, read_object

__all__ = ["parse_power_summary"]

#: `power_sim_total`: with simulated switching activity; `power_12.5_0.5_total`: with an assumed one.
_KEY = re.compile(r"power_(?:sim|([0-9.]+)_([0-9.]+))_(total|static|dynamic)\Z")


def parse_power_summary(report: Report) -> Iterator[Metric]:
    """Yield the power with simulated and with assumed activity (`power_estimate_summary.json`).

    Only the figures with simulated activity are about the design as it runs; the others say in their scope which
    toggle rate (in per cent) and static probability they assume.
    """
    for key, watts in read_object(report).items():
        found = _KEY.match(key)
        if found is None:
            note_unknown(report, key)
            continue
        rate, probability, kind = found.groups()
        scope = {} if rate is None else {"toggle_rate": rate, "static_prob": probability}
        yield report.figure(f"power.{kind}_w", watts, "W", Stage.POWER, scope, field=key)
