"""The frozen records that plugins yield: names, summaries and targets, so that listing imports no heavy code."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Literal

import attrs

from .formats.converters import to_tuple
from .formats.json_values import JSONValue
from .formats.memory import checked_pattern
from .stages import OutputStage, Stage

__all__ = [
    "BackendSpec",
    "CommandSpec",
    "Device",
    "ErrorRule",
    "ExecutorSpec",
    "MetricDefinition",
    "MetricKind",
    "MetricParserSpec",
    "Parameter",
    "StepSpec",
    "ValidatorSpec",
]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,99}\Z")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")


def _check_name(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not _NAME.match(value):
        text = f"{field.name} {str(value)[:120]!r} must start with a letter and hold only letters, digits, _ . and -"
        raise ValueError(f"{text}, at most 100 in all")


def _check_summary(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise ValueError(f"{field.name} {value!r} must be one line of text")


def _check_target(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not _TARGET.match(value):
        raise ValueError(f'{field.name} {value!r} must read "package.module:attribute"')


def _stages(value: Iterable[str | Stage]) -> tuple[Stage, ...]:
    return tuple(Stage(stage) for stage in to_tuple(value))


def _check_pattern(_: object, field: attrs.Attribute[str], value: str) -> None:
    if value:
        checked_pattern(value)


@attrs.frozen(kw_only=True)
class Parameter:
    """A parameter that a step or backend declares.

    Args:
        name: the key in the configuration.
        type: the JSON type of its value.
        summary: what it does, with the unit.
        default: its value when it isn't given; a required parameter has none.
        required: whether it must be given.
        choices: the values allowed, or empty for any.
        minimum: least number allowed.
        maximum: greatest number allowed.
    """

    name: str = attrs.field(validator=_check_name)
    type: Literal["str", "int", "float", "bool", "list", "dict", "any"] = "any"
    summary: str = attrs.field(validator=_check_summary)
    default: JSONValue = None
    required: bool = False
    choices: tuple[JSONValue, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@attrs.frozen(kw_only=True)
class BackendSpec:
    """A backend: something with `build(context) -> BackendOutcome`.

    Args:
        name: what a user asks for, such as `legacy_finn`.
        summary: one line for lists.
        target: `"package.module:Class"`; called without arguments, it gives the backend.
        output_stages: the stages that it can reach.
        title: the name shown to people; `name` where empty.
        simulated: whether its figures are simulated.
        priority: `auto` takes the highest one that isn't simulated and reaches the stage.
    """

    name: str = attrs.field(validator=_check_name)
    summary: str = attrs.field(validator=_check_summary)
    target: str = attrs.field(validator=_check_target)
    output_stages: tuple[OutputStage, ...] = attrs.field(converter=to_tuple)
    title: str = ""
    simulated: bool = False
    priority: int = 0


@attrs.frozen(kw_only=True)
class StepSpec:
    """A preprocessing or postprocessing step: a callable over a `StepContext`.

    Args:
        name: what a configuration asks for.
        summary: one line for lists.
        target: `"package.module:function"`, called with a `StepContext`, gives a `StepOutcome`.
        parameters: what it accepts.
        inputs: what it reads: `model`, `dataset`, `metrics`, `artifacts`.
        outputs: what it gives: `model`, `metrics`, `report`.
    """

    name: str = attrs.field(validator=_check_name)
    summary: str = attrs.field(validator=_check_summary)
    target: str = attrs.field(validator=_check_target)
    parameters: tuple[Parameter, ...] = attrs.field(default=(), converter=to_tuple)
    inputs: tuple[str, ...] = attrs.field(default=("model",), converter=to_tuple)
    outputs: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)


@attrs.frozen(kw_only=True)
class MetricParserSpec:
    """A parser from one report file to metrics, with the rule by which its files are recognised.

    Args:
        name: the parser's name.
        summary: one line for lists: which report of which tool.
        target: `"package.module:function"`, called with a `Report`, gives the metrics.
        patterns: shell patterns of file names, any of which must match; empty: any name.
        sniff: a regular expression that the first 64 KiB of the content must hold; empty: any content.
        priority: where several parsers recognise a file, the highest one gets it.
    """

    name: str = attrs.field(validator=_check_name)
    summary: str = attrs.field(validator=_check_summary)
    target: str = attrs.field(validator=_check_target)
    patterns: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    sniff: str = attrs.field(default="", validator=_check_pattern)
    priority: int = 0

    def __attrs_post_init__(self) -> None:
        if not self.patterns and not self.sniff:
            raise ValueError(f"metric parser {self.name} recognises every file: give patterns or a sniff")


@attrs.frozen(kw_only=True)
class ExecutorSpec:
    """An executor: runs builds that may start now, somewhere.

    Args:
        name: what `--executor` names.
        summary: one line for lists.
        target: `"package.module:Class"`; see `brainsmith_core.executor.Executor`.
    """

    name: str = attrs.field(validator=_check_name)
    summary: str = attrs.field(validator=_check_summary)
    target: str = attrs.field(validator=_check_target)


@attrs.frozen(kw_only=True)
class ErrorRule:
    """What a line in a log or an error message means.

    Args:
        name: the rule's name.
        pattern: a regular expression over text with white space collapsed to single blanks.
        category: a key of `BuildErrorHandler.ERROR_CATEGORIES`.
        advice: what to do.
        retryable: whether trying again can help.
        priority: where several rules match one text, the highest wins. Below 0 the rule is vague: it counts only where
            no other one matches any of a log's errors, and else that of the first error counts.
        follow: the name of the pattern's group that names another log (or a folder of logs) to look into, or "".
        warning: the text doesn't mean that the build failed.
    """

    name: str = attrs.field(validator=_check_name)
    pattern: str = attrs.field(validator=_check_pattern)
    category: str
    advice: str
    retryable: bool = False
    priority: int = 0
    follow: str = ""
    warning: bool = False


@attrs.frozen(kw_only=True)
class Device:
    """Totals of an FPGA part.

    Args:
        part: the part, such as `xc7z020clg400-1`.
        boards: names of boards that carry it, as FINN spells them.
        lut: LUTs. ff: flip-flops. bram_36k: block RAM tiles of 36 Kb. uram: UltraRAM blocks. dsp: DSP blocks.
        slrs: super logic regions, or None if that isn't known.
        source: where the numbers stand.
    """

    part: str
    boards: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    lut: int | None = None
    ff: int | None = None
    bram_36k: float | None = None
    uram: int | None = None
    dsp: int | None = None
    slrs: int | None = None
    source: str


@attrs.frozen(kw_only=True)
class CommandSpec:
    """A command of the command line.

    Args:
        name: the word after `brainsmith`.
        summary: one line for `--help`.
        target: `"package.module:command"`, a click command or group.
    """

    name: str = attrs.field(validator=_check_name)
    summary: str = attrs.field(validator=_check_summary)
    target: str = attrs.field(validator=_check_target)


@attrs.frozen(kw_only=True)
class ValidatorSpec:
    """A kind of file that `brainsmith validate` can check.

    Args:
        name: the kind's name.
        summary: one line for lists.
        target: `"package.module:function"`, called with the file's path and a runner factory; gives what it found
            as JSON data, raises ConfigurationError or MissingRequirementError.
        key: the top-level key by which such a file is recognised.
    """

    name: str = attrs.field(validator=_check_name)
    summary: str = attrs.field(validator=_check_summary)
    target: str = attrs.field(validator=_check_target)
    key: str


class MetricKind(enum.Enum):
    """How a figure behaves between repeated builds."""

    EXACT = "exact"
    QUANTISED = "quantised"
    NOISY = "noisy"


@attrs.frozen(kw_only=True)
class MetricDefinition:
    """A name of the metric vocabulary.

    Args:
        name: dotted, lower case; the unit is part of it where it has one.
        unit: the unit of every value of this name.
        better: which direction is better: `up`, `down` or `none`.
        kind: how it behaves between repeated builds.
        description: one line.
        aliases: older or foreign names.
        stages: where in the flow it is obtained; empty: anywhere.
        exact_at: stages at which it is exact, whatever its kind.
        gate: a build that doesn't pass isn't good, whatever its other figures.
    """

    name: str = attrs.field(validator=_check_name)
    unit: str = attrs.field(validator=_check_summary)
    better: Literal["up", "down", "none"] = attrs.field(validator=attrs.validators.in_(("up", "down", "none")))
    kind: MetricKind = attrs.field(validator=attrs.validators.instance_of(MetricKind))
    description: str = attrs.field(validator=_check_summary)
    aliases: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    stages: tuple[Stage, ...] = attrs.field(default=(), converter=_stages)
    exact_at: tuple[Stage, ...] = attrs.field(default=(), converter=_stages)
    gate: bool = False

    def kind_at(self, stage: Stage) -> MetricKind:
        """Return how the figure behaves between repeated builds at a stage."""
        return MetricKind.EXACT if stage in self.exact_at else self.kind
