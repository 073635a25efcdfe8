"""What works in a FINN environment on this machine, and how to mend what doesn't."""

from __future__ import annotations

import os
from collections.abc import Iterator

from brainsmith_core.config import OutputStage
from brainsmith_core.context import Finding
from brainsmith_core.errors import MissingRequirementError

from .profiles import FINNVersionManager
from .records import FINNEnvironment, FINNValidation
from .registry import Record

__all__ = ["broken", "examine"]

#: What each output stage needs, as `requirements.missing_requirements` calls it.
_NEEDS = {
    OutputStage.DATAFLOW_GRAPH: (),
    OutputStage.RTL: ("vivado", "hls"),
    OutputStage.STITCHED_IP: ("vivado", "hls"),
    OutputStage.OUT_OF_CONTEXT_SYNTH: ("vivado", "hls"),
    OutputStage.BITFILE: ("vivado", "hls"),
}


def broken(record: Record, error: MissingRequirementError) -> FINNValidation:
    """Return the validation of an environment whose FINN can't be imported.

    Args:
        record: the environment.
        error: why.
    """
    entry = record.entry
    if entry.kind == "managed":
        fix = f"make it anew: {entry.install_command} --again"
    elif entry.kind == "checkout":
        fix = f"install what is missing into {entry.python}, or name another one with --python"
    else:
        fix = f"install what is missing into {entry.python}"
    text = f"{error.message}\n{error.hint}" if error.hint else error.message
    finding = Finding(name="import", state="missing", message=text, fix=fix)
    return FINNValidation(name=entry.name, findings=(finding,))


def examine(before: Record, after: Record) -> FINNValidation:
    """Return what is to be said of an environment that works.

    Args:
        before: what was known.
        after: what its import has shown.
    """
    environment = after.environment
    assert environment is not None
    stages = tuple(stage for stage in OutputStage if not _missing(environment, stage))
    findings = [
        Finding(
            name="import",
            state="ok",
            message=f"{environment.title} with Python {environment.description.python_version}",
        ),
        _identity(before, after),
        *_lock(after),
        *_packages(environment),
        _tools(environment, after),
    ]
    return FINNValidation(name=environment.name, environment=environment, findings=findings, output_stages=stages)


def _identity(before: Record, after: Record) -> Finding:
    assert after.facts is not None
    known = after.entry.installed_identity or (before.facts.identity if before.facts else "")
    identity = after.facts.identity
    if known and known != identity:
        text = f"{identity}, but it was {known}: FINN's files or packages were changed"
        managed = after.entry.kind == "managed"
        fix = f"if that wasn't meant: {after.entry.install_command} --again" if managed else ""
        return Finding(name="identity", state="warning", message=text, fix=fix)
    return Finding(name="identity", state="ok", message=identity)


def _lock(record: Record) -> Iterator[Finding]:
    entry = record.entry
    profile = FINNVersionManager().find(entry.version, entry.profile)
    if profile is not None and profile.lock_sha256() != entry.lock_sha256:
        text = "it was installed from another lock file than today's"
        yield Finding(name="lock", state="warning", message=text, fix=f"{entry.install_command} --again")


def _packages(environment: FINNEnvironment) -> Iterator[Finding]:
    absent = [name for name in environment.description.stand_ins if name != "xsi"]
    if absent:
        text = f"without {', '.join(absent)}: estimates import but don't use them"
        yield Finding(name="packages", state="ok", message=text)
    if environment.description.unimportable:
        modules = ", ".join(each.module for each in environment.description.unimportable)
        yield Finding(name="transformations", state="warning", message=f"can't be imported: {modules}")


def _tools(environment: FINNEnvironment, record: Record) -> Finding:
    missing = _missing(environment, OutputStage.STITCHED_IP)
    if missing:
        fix = "for more than estimates: install Vivado and Vitis HLS, and source their settings64.sh"
        text = f"{'; '.join(missing)}: only estimates (dataflow_graph) are possible"
        return Finding(name="tools", state="warning", message=text, fix=fix)
    if record.facts is not None and not record.facts.xsi and environment.flavour == "finn-plus":
        text = "Vivado and Vitis HLS are there, but XSI isn't built: RTL simulation isn't possible"
        return Finding(name="tools", state="warning", message=text, fix=f"{environment.python} -m finn.xsi.setup")
    return Finding(name="tools", state="ok", message="Vivado and Vitis HLS are there")


def _missing(environment: FINNEnvironment, stage: OutputStage) -> list[str]:
    from ..requirements import missing_requirements  # here, since it imports records of this package

    return missing_requirements(_NEEDS[stage], environment, os.environ)
