"""Which cluster builds run on: one that runs already, one on this machine, or jobs of a batch system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean

__all__ = ["SYSTEMS", "DaskSettings", "JobQueue"]

Files = Literal["auto", "shared", "sent"]

#: Batch systems, each with the class of dask-jobqueue that submits to it.
SYSTEMS: Final = {"lsf": "LSFCluster", "slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster"}
_FILES: Final = ("auto", "shared", "sent")


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{where} must be a text, but is {value!r}")
    return value


def _texts(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f"{where} must be a list of texts, but is {value!r}")
    return tuple(_text(where, item) for item in value)


def _check_keys(where: str, table: object, known: Mapping[str, object]) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{where} must be a table, but is {table!r}")
    for key in table:
        if key not in known:
            raise ConfigurationError(f'{where}: unknown key "{key}"', hint=did_you_mean(str(key), known))
    return dict(table)


@attrs.frozen(kw_only=True)
class JobQueue:
    """How jobs are submitted; each job is a Dask worker that runs one build at a time.

    Args:
        system: `lsf`, `slurm`, `pbs` or `sge`.
        cores: cores of a job.
        memory: memory of a job, with its unit, such as `16GiB`.
        walltime: the longest that a job may run, as the batch system spells it; longer than the longest build.
        queue: queue or partition, or "" for the default one.
        project: account that is charged, or "".
        prologue: lines of shell that each job runs first, such as `module load vivado`.
        directives: further lines for the head of the job's script, without the system's prefix.
        python: the interpreter on the nodes, or "" for the path of this one.
    """

    system: str
    cores: int = 1
    memory: str = "8GiB"
    walltime: str = ""
    queue: str = ""
    project: str = ""
    prologue: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    python: str = ""

    @classmethod
    def from_table(cls, table: object, where: str = "jobqueue") -> JobQueue:
        """Return what a table of the project file says.

        Raises:
            ConfigurationError: for an unknown or missing key or a wrong value, with a suggestion.
        """
        data = _check_keys(where, table, attrs.fields_dict(cls))
        if "system" not in data:
            raise ConfigurationError(f"{where} doesn't say which system", hint=f"one of {', '.join(SYSTEMS)}")
        if data["system"] not in SYSTEMS:
            hint = did_you_mean(str(data["system"]), SYSTEMS) or f"one of {', '.join(SYSTEMS)}"
            raise ConfigurationError(f'{where}: there is no batch system "{data["system"]}"', hint=hint)
        cores = data.get("cores", 1)
        if isinstance(cores, bool) or not isinstance(cores, int) or cores < 1:
            raise ConfigurationError(f"{where}: cores must be a whole number from 1 on, but is {cores!r}")
        for key in ("memory", "walltime", "queue", "project", "python"):
            if key in data:
                _text(f"{where}: {key}", data[key])
        for key in ("prologue", "directives"):
            if key in data:
                data[key] = _texts(f"{where}: {key}", data[key])
        return cls(**data)


@attrs.frozen(kw_only=True)
class DaskSettings:
    """Where builds run. At most one of `scheduler` and `jobqueue`; neither means worker processes on this machine.

    Args:
        scheduler: address of a Dask scheduler that runs already, such as `tcp://head:8786`, or "".
        jobqueue: jobs of a batch system, or None.
        files: whether workers see the folders of the builds: `shared`, or `sent` there and back through Dask, or
            `auto`, which looks.
        connect_seconds: how long to wait for the scheduler and its first worker.
        retries: how often a build is started again whose worker died.

    Example:
        >>> DaskSettings.from_table({"scheduler": "tcp://head:8786"}).files
        'auto'
    """

    scheduler: str = ""
    jobqueue: JobQueue | None = None
    files: Files = "auto"
    connect_seconds: float = 30.0
    retries: int = 3

    @classmethod
    def from_table(cls, table: object, where: str = "dask") -> DaskSettings:
        """Return what a table of the project file says.

        Raises:
            ConfigurationError: for an unknown key or a wrong value, with a suggestion.
        """
        data = _check_keys(where, table, attrs.fields_dict(cls))
        if not data.get("jobqueue"):
            data.pop("jobqueue", None)
        else:
            data["jobqueue"] = JobQueue.from_table(data["jobqueue"], f"{where}.jobqueue")
        if not isinstance(data.get("scheduler", ""), str):
            raise ConfigurationError(f"{where}: scheduler must be a text, but is {data['scheduler']!r}")
        if data.get("files", "auto") not in _FILES:
            raise ConfigurationError(f"{where}: files must be one of {', '.join(_FILES)}, but is {data['files']!r}")
        seconds, retries = data.get("connect_seconds", 30.0), data.get("retries", 3)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
            raise ConfigurationError(f"{where}: connect_seconds must be greater than 0, but is {seconds!r}")
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ConfigurationError(f"{where}: retries must be a whole number from 0 on, but is {retries!r}")
        found = cls(**data)
        if found.scheduler and found.jobqueue is not None:
            text = f"{where} names a scheduler and a jobqueue"
            raise ConfigurationError(text, hint="give one of them: a job queue starts a scheduler of its own")
        return found
