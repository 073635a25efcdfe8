"""Ask a plugin for the records of a hook: each checked, all or none."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from ..records import (
    BackendSpec,
    CommandSpec,
    Device,
    ErrorRule,
    ExecutorSpec,
    MetricDefinition,
    MetricParserSpec,
    Parameter,
    StepSpec,
    ValidatorSpec,
)
from .clashes import record_name
from .hook_check import Implementation
from .state import Plugin, PluginFault, PluginState
from .target_check import TargetCheck
from .targets import import_fix

__all__ = ["RECORD_TYPES", "check_targets", "records_of"]

#: For each registration hook, the type of its records.
RECORD_TYPES: dict[str, type] = {
    "brainsmith_backends": BackendSpec,
    "brainsmith_preprocessing_steps": StepSpec,
    "brainsmith_postprocessing_steps": StepSpec,
    "brainsmith_metric_parsers": MetricParserSpec,
    "brainsmith_metric_definitions": MetricDefinition,
    "brainsmith_executors": ExecutorSpec,
    "brainsmith_error_rules": ErrorRule,
    "brainsmith_devices": Device,
    "brainsmith_commands": CommandSpec,
    "brainsmith_validators": ValidatorSpec,
    "brainsmith_settings": Parameter,
}

#: More records of one hook are taken for a generator without an end.
MOST_RECORDS = 10_000


def records_of(implementation: Implementation) -> list[Any]:
    """Return the records that an implementation of a registration hook yields.

    Args:
        implementation: the plugin's function.

    Raises:
        PluginFault: for a record that is of the wrong type or there twice, or for too many of them.
        BaseException: whatever the plugin's code raises.
    """
    hook = implementation.hook
    answer = implementation.function()
    if not isinstance(answer, Iterable):
        if inspect.iscoroutine(answer):
            answer.close()
        raise _fault(
            f"{hook} returned {_shown(answer)}, which is no {RECORD_TYPES[hook].__name__}s to go through", hook
        )
    records = list(itertools.islice(_checked(answer, hook), MOST_RECORDS + 1))
    if len(records) > MOST_RECORDS:
        raise _fault(f"{hook} yields more than {MOST_RECORDS:,} records", hook)
    names = [record_name(record) for record in records]
    twice = next((name for name in names if names.count(name) > 1), "") if len(set(names)) < len(names) else ""
    if twice:
        raise _fault(f'{hook} yields "{twice}" twice', hook)
    return records


def check_targets(records: Iterable[Any], hook: str, plugin: Plugin, check: TargetCheck) -> None:
    """Check that what records name can be imported, as far as that can be told without importing it.

    Args:
        records: what the plugin yields.
        hook: for which hook.
        plugin: the plugin.
        check: looks at the modules.

    Raises:
        PluginFault: for the first one that can't.
    """
    for record in records:
        target = getattr(record, "target", "")
        fault = check.fault(target) if target else None
        if fault is not None:
            text = f'{hook}: "{record.name}" has the target {target}, but {fault.reason}'
            if fault.missing and fault.missing != target.partition(".")[0].partition(":")[0]:
                error = ModuleNotFoundError(name=fault.missing)
                fix = import_fix(error, plugin.distribution, plugin.requires)
                raise PluginFault(PluginState.FAILED, text, fix)
            raise _fault(text, hook)


def _checked(records: Iterable[object], hook: str) -> Iterator[object]:
    record_type = RECORD_TYPES[hook]
    for record in records:
        if not isinstance(record, record_type):
            raise _fault(f"{hook} yields {_shown(record)}, which is no {record_type.__name__}", hook)
        yield record


def _fault(reason: str, hook: str) -> PluginFault:
    return PluginFault(PluginState.FAILED, reason, f"mend {hook} in the plugin, or remove it")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
