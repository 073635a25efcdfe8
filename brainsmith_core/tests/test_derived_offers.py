from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metrics.vocabulary import Vocabulary
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import MetricDefinition, MetricKind


def test_the_vocabulary_is_made_once_and_anew_when_a_plugin_is_registered() -> None:
    @hookimpl
    def brainsmith_metric_definitions() -> list[MetricDefinition]:
        return [MetricDefinition(name="our.figure", unit="1", better="up", kind=MetricKind.EXACT, description="Ours.")]

    plugins = PluginManager()
    first = Vocabulary.of(plugins)
    assert Vocabulary.of(plugins) is first
    plugins.register(SimpleNamespace(brainsmith_metric_definitions=brainsmith_metric_definitions), "ours")
    assert first.get("our.figure") is None
    assert Vocabulary.of(plugins).get("our.figure") is not None
    assert Vocabulary.of(PluginManager()) is not first


def test_threads_that_ask_at_the_same_time_all_see_all_offers() -> None:
    @hookimpl
    def brainsmith_metric_definitions() -> Iterator[MetricDefinition]:
        for number in range(20):
            time.sleep(0.002)
            name = f"our.figure{number}"
            yield MetricDefinition(name=name, unit="1", better="up", kind=MetricKind.EXACT, description="Ours.")

    plugins = PluginManager()
    plugins.register(SimpleNamespace(brainsmith_metric_definitions=brainsmith_metric_definitions), "ours")
    sizes: list[int] = []
    threads = [threading.Thread(target=lambda: sizes.append(len(Vocabulary.of(plugins)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [len(Vocabulary.of(plugins))] * 6
