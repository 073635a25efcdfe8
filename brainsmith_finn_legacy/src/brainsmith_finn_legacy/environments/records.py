"""What is known about a FINN environment: where it is, which FINN it holds, and what that FINN can do."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

from brainsmith_core.config import OutputStage
from brainsmith_core.context import Finding
from brainsmith_core.formats.converters import to_tuple
from brainsmith_core.formats.json_values import JSONValue

__all__ = [
    "ConfigField",
    "FINNDescription",
    "FINNEnvironment",
    "FINNInstallation",
    "FINNValidation",
    "Flavour",
    "Kind",
    "Step",
    "Transformation",
    "TransformationParameter",
    "Unimportable",
]

#: `finn` is Xilinx/finn, `finn-plus` is FINN+; both are imported as `finn`.
Flavour = Literal["finn", "finn-plus"]

#: `managed`: installed by us; `checkout`: a source tree; `interpreter`: FINN is installed in it.
Kind = Literal["managed", "checkout", "interpreter"]


@attrs.frozen(kw_only=True)
class ConfigField:
    """A field of this FINN's `DataflowBuildConfig`.

    Args:
        name: FINN's name of it.
        type: its annotation, as FINN's source has it.
        default: its default as JSON, an enum by its value; None also where it is required or can't be said in JSON.
        required: whether it has no default.
        choices: the values allowed, where its type (or that of its items) is an enum.
        many: whether it is a list.
        optional: whether it may be null.
    """

    name: str
    type: str
    default: JSONValue = None
    required: bool = False
    choices: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    many: bool = False
    optional: bool = False


@attrs.frozen(kw_only=True)
class Step:
    """A build step that this FINN knows by name.

    Args:
        name: what a configuration asks for.
        summary: the first line of its documentation, or "".
    """

    name: str
    summary: str = ""


@attrs.frozen(kw_only=True)
class TransformationParameter:
    """A parameter of a transformation.

    Args:
        name: its name.
        required: whether it has no default.
        default: its default as Python writes it, or "".
    """

    name: str
    required: bool = False
    default: str = ""


@attrs.frozen(kw_only=True)
class Transformation:
    """A transformation of this environment (QONNX or FINN) that can be imported.

    Args:
        name: its dotted name.
        parameters: what its constructor takes.
        summary: the first line of its documentation, or "".
    """

    name: str
    parameters: tuple[TransformationParameter, ...] = attrs.field(default=(), converter=to_tuple)
    summary: str = ""


@attrs.frozen(kw_only=True)
class Unimportable:
    """A module of transformations that can't be imported here.

    Args:
        module: its dotted name.
        reason: what its import raised.
    """

    module: str
    reason: str


@attrs.frozen(kw_only=True)
class FINNDescription:
    """What a FINN environment can do, as its own modules say.

    Args:
        python_version: of its interpreter.
        finn_folder: the folder of its package `finn`.
        distributions: versions of the distributions that FINN's modules import, by name.
        stand_ins: packages that FINN imports and that are absent; nothing that uses them can run.
        fields: the fields of `DataflowBuildConfig`.
        default_steps: names of the default build flow.
        estimate_steps: names of the flow that ends with the estimates.
        steps: all steps that can be asked for by name.
        flows: named lists of steps, such as `default`, `estimate_only`, `hw_codegen`.
        kernels: FINN's hardware operators before it chooses, such as `MVAU`, with the variants that it can choose from
            (`hls`, `rtl`); empty before FINN 0.10, which had no choice.
        boards: each board's part.
        alveo_boards: those among them that are accelerator cards.
        output_types: values of FINN's `DataflowOutputType`.
        verify_steps: values of FINN's `VerificationStepType`.
        transformations: all that can be imported, sorted by name.
        unimportable: modules of transformations that can't be imported.
    """

    python_version: str
    finn_folder: str
    distributions: dict[str, str]
    stand_ins: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    fields: tuple[ConfigField, ...] = attrs.field(converter=to_tuple)
    default_steps: tuple[str, ...] = attrs.field(converter=to_tuple)
    estimate_steps: tuple[str, ...] = attrs.field(converter=to_tuple)
    steps: tuple[Step, ...] = attrs.field(converter=to_tuple)
    flows: dict[str, tuple[str, ...]]
    kernels: dict[str, tuple[str, ...]]
    boards: dict[str, str]
    alveo_boards: tuple[str, ...] = attrs.field(converter=to_tuple)
    output_types: tuple[str, ...] = attrs.field(converter=to_tuple)
    verify_steps: tuple[str, ...] = attrs.field(converter=to_tuple)
    transformations: tuple[Transformation, ...] = attrs.field(converter=to_tuple)
    unimportable: tuple[Unimportable, ...] = attrs.field(default=(), converter=to_tuple)

    def field(self, name: str) -> ConfigField | None:
        """Return the configuration field of that name, or None."""
        return next((each for each in self.fields if each.name == name), None)


@attrs.frozen(kw_only=True)
class FINNEnvironment:
    """A FINN environment that was seen to work.

    Args:
        name: what `--finn` and BRAINSMITH_FINN call it.
        kind: managed by us, a checkout, or an interpreter that has FINN installed.
        path: its folder; of a checkout the source tree, of an interpreter the environment that it belongs to.
        python: its interpreter.
        version: the version of FINN.
        flavour: FINN or FINN+.
        identity: changes with anything that can change a build's result: Python, distributions, FINN's sources.
        profile: of a managed environment `small` or `full`, else "".
        description: what it can do.
    """

    name: str
    kind: Kind
    path: Path
    python: Path
    version: str
    flavour: Flavour
    identity: str
    profile: str = ""
    description: FINNDescription

    @property
    def title(self) -> str:
        """The name for people, such as `FINN+ 1.6.1`."""
        return f"{'FINN+' if self.flavour == 'finn-plus' else 'FINN'} {self.version}"

    def worker_env(self) -> dict[str, str | None]:
        """Return what a worker in this environment needs in its environment; None removes a variable."""
        return worker_env(self.path if self.kind == "checkout" else None)


def worker_env(checkout: Path | None = None) -> dict[str, str | None]:
    """Return the environment of a FINN interpreter; nothing of ours may reach into it.

    Args:
        checkout: a FINN source tree to import FINN from.
    """
    sources = {} if checkout is None else {"PYTHONPATH": str(checkout / "src"), "FINN_ROOT": str(checkout)}
    return {
        "PYTHONPATH": None,
        "PYTHONHOME": None,
        "PYTHONSTARTUP": None,
        "PYTHONWARNINGS": None,
        "PYTHONOPTIMIZE": None,
        # Without byte code each start would compile thousands of modules: three times as long.
        "PYTHONDONTWRITEBYTECODE": None,
        # FINN+ raises what it else reports where it thinks that a test of its own runs.
        "PYTEST_CURRENT_TEST": None,
        **sources,
    }


@attrs.frozen(kw_only=True)
class FINNInstallation:
    """A FINN environment that was discovered, whether it works or not.

    Args:
        name: what `--finn` calls it.
        kind: managed by us, a checkout, or an interpreter.
        path: its folder.
        python: its interpreter; None if it isn't known.
        version: of FINN, or "" if it has never been asked.
        flavour: FINN or FINN+; None if it has never been asked.
        profile: of a managed one, else "".
        state: `ready`; `unchecked`: not asked yet, or changed since, and asked when it is first used; `unfinished`:
            being installed or removed by somebody; `broken`: see the reason.
        reason: why it is broken, or "".
        default: whether builds take it if they don't name one.
    """

    name: str
    kind: Kind
    path: Path
    python: Path | None = None
    version: str = ""
    flavour: Flavour | None = None
    profile: str = ""
    state: Literal["ready", "unchecked", "unfinished", "broken"]
    reason: str = ""
    default: bool = False


@attrs.frozen(kw_only=True)
class FINNValidation:
    """What came of looking at a FINN environment.

    Args:
        name: the environment's name, or the path that was asked about.
        environment: what was found, or None where it doesn't work.
        findings: each thing that was looked at, with the fix.
        output_stages: how far builds can go with it on this machine.
    """

    name: str
    environment: FINNEnvironment | None = None
    findings: tuple[Finding, ...] = attrs.field(default=(), converter=to_tuple)
    output_stages: tuple[OutputStage, ...] = attrs.field(default=(), converter=to_tuple)

    @property
    def ok(self) -> bool:
        """Whether builds can run in it."""
        return self.environment is not None and all(each.state != "missing" for each in self.findings)
