"""The contract between Brainsmith and its plugins: the one file that a plugin author must read.

A plugin is a module (or object) named by an entry point of the group `brainsmith.plugins`. It implements any of the
hooks below. Registration hooks yield frozen records; a record names its heavy code by a target
(`"package.module:attribute"`), which is imported when it is first used. So a plugin's own module stays light.

```toml
[project.entry-points."brainsmith.plugins"]
my_collector = "my_collector.plugin"
```

```python
from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import MetricParserSpec


@hookimpl
def brainsmith_metric_parsers() -> Iterator[MetricParserSpec]:
    yield MetricParserSpec(
        name="my_tool_area",
        summary="area report of my_tool",
        target="my_collector.parser:parse_area",
        patterns=("*.area",),
        sniff="my_tool area report",
    )
```
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from .plugins.installed import ENTRY_POINT_GROUP

if TYPE_CHECKING:
    from .events import BuildEvent
    from .records import (
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

__all__ = ["API_VERSION", "ENTRY_POINT_GROUP", "OLDEST_API_VERSION", "REMOVED_HOOKS", "hookimpl", "hookspec"]

#: Version of this contract; a plugin may state `BRAINSMITH_API = 1`, the version that it was written for.
API_VERSION = 1

#: The oldest version whose plugins still work.
OLDEST_API_VERSION = 1

#: For each hook that is gone, what to use instead.
REMOVED_HOOKS: dict[str, str] = {}

hookspec = pluggy.HookspecMarker("brainsmith")
hookimpl = pluggy.HookimplMarker("brainsmith")


@hookspec
def brainsmith_backends() -> Iterable[BackendSpec]:
    """Yield the backends that this plugin offers."""
    return ()


@hookspec
def brainsmith_preprocessing_steps() -> Iterable[StepSpec]:
    """Yield the steps that may run before a backend, from model to model."""
    return ()


@hookspec
def brainsmith_postprocessing_steps() -> Iterable[StepSpec]:
    """Yield the steps that may run after a backend, from its products to reports and metrics."""
    return ()


@hookspec
def brainsmith_metric_parsers() -> Iterable[MetricParserSpec]:
    """Yield the parsers of report files that this plugin offers."""
    return ()


@hookspec
def brainsmith_metric_definitions() -> Iterable[MetricDefinition]:
    """Yield the names that this plugin adds to the metric vocabulary."""
    return ()


@hookspec
def brainsmith_executors() -> Iterable[ExecutorSpec]:
    """Yield the executors that this plugin offers."""
    return ()


@hookspec
def brainsmith_error_rules() -> Iterable[ErrorRule]:
    """Yield rules that tell what an error message means."""
    return ()


@hookspec
def brainsmith_devices() -> Iterable[Device]:
    """Yield totals of FPGA parts and boards."""
    return ()


@hookspec
def brainsmith_commands() -> Iterable[CommandSpec]:
    """Yield commands for the command line."""
    return ()


@hookspec
def brainsmith_validators() -> Iterable[ValidatorSpec]:
    """Yield the kinds of files that `brainsmith validate` can check."""
    return ()


@hookspec
def brainsmith_settings() -> Iterable[Parameter]:
    """Yield the settings that this plugin has; what users say is checked against them."""
    return ()


@hookspec
def brainsmith_build_event(event: BuildEvent) -> None:
    """Observe what happens in a build.

    It runs beside the build, in a thread of its own: it can't change a result, and one that raises or is slow never
    harms the build.
    """
