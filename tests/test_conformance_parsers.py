"""Every metric parser of our own packages passes the standard tests, each on a real report of its kind."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from brainsmith_core.metrics.recognition import Recogniser, recognise
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.testing import MetricParserSuite

SHARED = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[2] / "shared")
CORPUS = SHARED / "corpus"
#: Larger reports take long, and show nothing more of what the suite tests.
LARGEST = 60_000
#: No report of these kinds is in the corpus: they need a board or a licence. Their packages test them on written ones.
WITHOUT_SAMPLE = [
    "finn_accuracy",
    "finn_empirical_power",
    "finn_instrumentation",
    "finn_power",
    "finn_throughput_test",
    "finn_verification",
    "hls_cosim_report",
]


@cache
def ours() -> list[Recogniser]:
    offers = PluginManager.discover().metric_parsers()
    return [Recogniser(offer) for offer in offers if offer.plugin.distribution.startswith("brainsmith-")]


@cache
def samples() -> dict[str, Path]:
    """Return for each parser the smallest real report that it recognises."""
    found: dict[str, Path] = {}
    for path in sorted(CORPUS.rglob("*"), key=lambda path: (path.stat().st_size, path)) if CORPUS.is_dir() else []:
        if path.is_file() and path.stat().st_size <= LARGEST:
            parser, fits = recognise(ours(), path.name, path.read_bytes()[:65536])
            if parser is not None and fits:
                found.setdefault(parser.spec.name, path)
    return found


def suite(name: str, path: Path) -> type[MetricParserSuite]:
    """Return the standard tests of a parser over one report."""
    members = {"parser": name, "samples": {path.name: (path, {})}, "__module__": __name__}
    return type(f"TestOf{name.title().replace('_', '')}", (MetricParserSuite,), members)


globals().update({each.__name__: each for each in (suite(*item) for item in sorted(samples().items()))})


@pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of real reports isn't there; BRAINSMITH_SHARED names its parent"
)
def test_every_other_parser_has_a_sample() -> None:
    assert sorted({each.spec.name for each in ours()} - set(samples())) == WITHOUT_SAMPLE
