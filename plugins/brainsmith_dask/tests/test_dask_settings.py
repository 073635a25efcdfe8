from __future__ import annotations

import signal
from pathlib import Path

import attrs
import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_dask.cluster import job_script
from brainsmith_dask.settings import DaskSettings, JobQueue

SLURM = {"system": "slurm", "cores": 2, "memory": "4GiB", "walltime": "08:00:00", "queue": "fpga", "project": "nets"}


def test_nothing_said_means_workers_on_this_machine() -> None:
    assert DaskSettings.from_table({}) == DaskSettings(scheduler="", jobqueue=None, files="auto")


def test_a_table_says_all_there_is_to_say() -> None:
    table = {"jobqueue": {**SLURM, "prologue": ["module load vivado"]}, "files": "shared", "retries": 0}
    found = DaskSettings.from_table(table)
    assert found.jobqueue == JobQueue(**SLURM, prologue=("module load vivado",))  # type: ignore[arg-type]  # of many types
    assert (found.files, found.retries) == ("shared", 0)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"schedular": "tcp://a:1"}, 'did you mean "scheduler"'),
        ({"scheduler": 5}, "must be a text"),
        ({"scheduler": "tcp://a:1", "jobqueue": {"system": "lsf"}}, "give one of them"),
        ({"files": "copied"}, "one of auto, shared, sent"),
        ({"connect_seconds": 0}, "greater than 0"),
        ({"retries": -1}, "from 0 on"),
        ({"jobqueue": "slurm"}, "must be a table"),
        ({"jobqueue": {"cores": 1}}, "which system"),
        ({"jobqueue": {"system": "slrum"}}, 'did you mean "slurm"'),
        ({"jobqueue": {**SLURM, "cores": 0}}, "from 1 on"),
        ({"jobqueue": {**SLURM, "memory": 4}}, "must be a text"),
        ({"jobqueue": {**SLURM, "prologue": "x"}}, "list of texts"),
        ({"jobqueue": {**SLURM, "wall_time": "1:00"}}, 'did you mean "walltime"'),
    ],
)
def test_a_wrong_table_is_one_clear_message(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        DaskSettings.from_table(table)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("system", "lines"),
    [
        ("slurm", ["#SBATCH -p fpga", "#SBATCH -A nets", "#SBATCH --cpus-per-task=2", "#SBATCH -t 08:00:00"]),
        ("lsf", ["#BSUB -q fpga", '#BSUB -P "nets"', "#BSUB -n 2", "#BSUB -W 08:00:00"]),
        ("pbs", ["#PBS -q fpga", "#PBS -A nets", "#PBS -l walltime=08:00:00"]),
        ("sge", ["#$ -q fpga", "#$ -P nets", "#$ -l h_rt=08:00:00"]),
    ],
)
def test_the_script_of_a_job_says_what_the_settings_say(system: str, lines: list[str]) -> None:
    settings = JobQueue(**{**SLURM, "system": system}, prologue=("module load vivado",), directives=("--extra",))  # type: ignore[arg-type]  # of many types
    script = job_script(attrs.evolve(settings, python="/opt/python"))
    for line in [*lines, "module load vivado", "/opt/python -m distributed.cli.dask_worker", "--nthreads 1", "--extra"]:
        assert line in script


def test_the_projects_file_and_the_environment_say_which_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brainsmith.toml").write_text('[plugins.dask]\nfiles = "sent"\njobqueue = {system = "slurm"}\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAINSMITH_PLUGIN_DASK_RETRIES", "7")
    plugins = PluginManager.discover()
    (plugin,) = [each for each in plugins.plugins if each.name == "dask"]
    found = DaskSettings.from_table(plugins.setting_values(plugin))
    assert found == DaskSettings(files="sent", retries=7, jobqueue=JobQueue(system="slurm"))


def test_without_a_word_builds_run_on_this_machine() -> None:
    plugins = PluginManager.discover()
    (plugin,) = [each for each in plugins.plugins if each.name == "dask"]
    assert DaskSettings.from_table(plugins.setting_values(plugin)) == DaskSettings()


def test_a_job_queue_leaves_ctrl_c_as_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    job_script(JobQueue(system="slurm"))
    assert signal.getsignal(signal.SIGINT) is before
