"""Ask a plugin for the records of a hook: each checked, all or none."""

from __future__ import annotations

import inspect
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
    StepSpec,
    ValidatorSpec,
)
from .clashes import record_name
from .hook_check import Implementation
from .state import PluginFault, PluginState
from .targets import missing_module

__all__ = ["RECORD_TYPES", "records_of"]

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
}


def records_of(implementation: Implementation, *, check_targets: bool) -> list[Any]:
    """Return the records that an implementation of a registration hook yields.

    Args:
        implementation: the plugin's function.
        check_targets: whether the module of each target must be there.

    Raises:
        PluginFault: for a record that is of the wrong type, there twice, or whose target's module isn't there.
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
    records = list(_checked(answer, hook))
    names = [record_name(record) for record in records]
    twice = next((name for name in names if names.count(name) > 1), "") if len(set(names)) < len(names) else ""
    if twice:
        raise _fault(f'{hook} yields "{twice}" twice', hook)
    if check_targets:
        _check_targets(records, hook)
    return records


def _checked(records: Iterable[object], hook: str) -> Iterator[object]:
    record_type = RECORD_TYPES[hook]
    for record in records:
        if not isinstance(record, record_type):
            raise _fault(f"{hook} yields {_shown(record)}, which is no {record_type.__name__}", hook)
        yield record


def _check_targets(records: Iterable[Any], hook: str) -> None:
    missing: dict[str, str] = {}
    for record in records:
        target = getattr(record, "target", "")
        module = target.partition(":")[0]
        if module and missing.setdefault(module, missing_module(target)):
            text = f'{hook}: "{record.name}" has the target {target}, but there is no module {missing[module]}'
            raise _fault(text, hook)


def _fault(reason: str, hook: str) -> PluginFault:
    return PluginFault(PluginState.FAILED, reason, f"mend {hook} in the plugin, or remove it")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
