from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from brainsmith_core.config import BuildConfig, ProcessingStep
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.result import BuildResult
from brainsmith_dask.transfer import pack_inputs, unpack_folder


def config(folder: Path, **more: object) -> BuildConfig:
    model = folder / "model.onnx"
    model.write_bytes(b"model")
    return BuildConfig(id="a", model_path=str(model), output_dir=str(folder / "out"), **more)  # type: ignore[arg-type]  # by name


def test_all_files_that_a_configuration_names_go_along(tmp_path: Path) -> None:
    for name in ("folding.json", "data.npz"):
        (tmp_path / name).write_text(name)
    step = ProcessingStep(
        name="accuracy_validation", type="postprocessing", parameters={"dataset": str(tmp_path / "data.npz"), "k": 3}
    )
    flags = {"folding_config_file": str(tmp_path / "folding.json"), "board": "Pynq-Z1", "other_file": "not there"}
    sent = config(tmp_path, config_flags=flags, postprocessing=[step])
    there = tmp_path / "there"
    there.mkdir()
    found = pack_inputs(sent).unpack(there)
    assert Path(found.model_path).read_bytes() == b"model"
    assert Path(str(found.config_flags["folding_config_file"])).read_text() == "folding.json"
    assert Path(str(found.postprocessing[0].parameters["dataset"])).read_text() == "data.npz"
    assert found.postprocessing[0].parameters["k"] == 3
    assert found.config_flags["other_file"] == "not there"
    assert all(str(there) in each for each in (found.model_path, found.output_dir))


def test_a_model_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    wrong = config(tmp_path)
    Path(wrong.model_path).unlink()
    with pytest.raises(MissingRequirementError, match=r"model\.onnx"):
        pack_inputs(wrong)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_nothing_is_written_outside_the_builds_folder(tmp_path: Path, name: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    wanted = config(tmp_path)
    with pytest.raises(ConfigurationError, match="outside"):
        unpack_folder(stream.getvalue(), wanted, BuildResult(config_id="a"))
    assert not (tmp_path / "out" / "result.json").exists()
    assert not (tmp_path / "evil").exists()
