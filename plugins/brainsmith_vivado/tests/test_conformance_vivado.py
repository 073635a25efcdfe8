"""Parsers of this package pass the standard tests of a metric parser."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from brainsmith_core.testing import MetricParserSuite

REPORTS = Path(__file__).parent / "reports"


class TestUtilisation(MetricParserSuite):
    parser = "vivado_utilisation"
    samples: ClassVar = {
        "utilisation.rpt": (REPORTS / "utilisation_7series.rpt", {"util.lut": 4100, "util.ff": 5005, "util.dsp": 20})
    }


class TestTiming(MetricParserSuite):
    parser = "vivado_timing"
    samples: ClassVar = {
        "timing.rpt": (REPORTS / "timing_summary.rpt", {"timing.setup.total_endpoints": [23226, 20000, 3003]})
    }


class TestPower(MetricParserSuite):
    parser = "vivado_power"
    samples: ClassVar = {"power.rpt": (REPORTS / "power.rpt", {"power.total_w": 3.252})}
