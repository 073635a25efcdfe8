"""Datasets are read batch by batch, in order and whole; what is wrong with one is said in one clear message."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_onnx.array_stream import ArrayStream
from brainsmith_onnx.datasets import open_dataset

SAMPLES = np.arange(15, dtype=np.float32).reshape(5, 3)
LABELS = np.array([0, 1, 2, 1, 0])


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def read(path: Path, labels: Path | None = None, size: int = 2, **names: Any) -> tuple[Any, Any, list[int]]:
    with open_dataset(path, labels, **names) as dataset:
        batches = list(dataset.batches(size))
    inputs = np.concatenate([batch.inputs for batch in batches])
    found = np.concatenate([batch.labels for batch in batches])
    return inputs, found, [batch.start for batch in batches]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a sub-folder for each class; the class 10 comes after 2, not after 1."""
    for label, values in ((2, [1.0, 2.0]), (10, [3.0, 4.0]), (0, [5.0, 6.0])):
        (tmp_path / "set" / str(label)).mkdir(parents=True)
        np.save(tmp_path / "set" / str(label) / "a.npy", np.array(values, np.float32))
    return tmp_path / "set"


@given(
    array=npst.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        npst.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5),
        elements={"allow_nan": False},
    ),
    size=st.integers(1, 7),
    packed=st.booleans(),
)
def test_a_stream_gives_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, array: Any, size: int, packed: bool
) -> None:
    folder = tmp_path_factory.mktemp("stream")
    np.save(folder / "a.npy", array)
    (np.savez_compressed if packed else np.savez)(folder / "a.npz", a=array)
    for path, member in ((folder / "a.npy", ""), (folder / "a.npz", "a")):
        with ArrayStream(path, member) as stream:
            parts = [stream.read(size) for _ in range(-(-len(stream) // size))]
            assert not len(stream.read(size))
        found = np.concatenate(parts)
        assert found.dtype == array.dtype
        assert np.array_equal(found, array)


def test_an_npz_is_read_in_order(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", inputs=SAMPLES, labels=LABELS)
    inputs, labels, starts = read(path)
    assert np.array_equal(inputs, SAMPLES)
    assert np.array_equal(labels, LABELS)
    assert starts == [0, 2, 4]


def test_other_names_in_an_npz_can_be_said(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", pixels=SAMPLES, truth=LABELS)
    assert np.array_equal(read(path, inputs_name="pixels", labels_name="truth")[1], LABELS)
    with pytest.raises(ConfigurationError, match="has no samples: it holds pixels, truth"):
        read(path)
    with pytest.raises(ConfigurationError, match="did you mean"):
        read(path, inputs_name="pixel", labels_name="truth")


def test_a_pair_of_npy_files_is_a_dataset(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", SAMPLES)
    np.save(tmp_path / "y.npy", LABELS)
    assert np.array_equal(read(tmp_path / "x.npy", tmp_path / "y.npy")[0], SAMPLES)


def test_labels_may_lie_beside_an_npz(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", LABELS)
    path = save(tmp_path / "a.npz", inputs=SAMPLES)
    assert np.array_equal(read(path, tmp_path / "y.npy")[1], LABELS)


def test_a_folder_of_classes_is_a_dataset(folder: Path) -> None:
    inputs, labels, _ = read(folder)
    assert labels.tolist() == [0, 2, 10]
    assert inputs.tolist() == [[5, 6], [1, 2], [3, 4]]


def test_a_folder_with_a_table_of_labels_is_a_dataset(tmp_path: Path) -> None:
    np.save(tmp_path / "b.npy", SAMPLES[0])
    np.save(tmp_path / "a.npy", SAMPLES[1])
    (tmp_path / "labels.csv").write_text("file,label\nb.npy,3\n\na.npy, 4\n")
    inputs, labels, _ = read(tmp_path)
    assert labels.tolist() == [3, 4]
    assert np.array_equal(inputs, SAMPLES[:2])


def test_only_the_first_samples_are_read_if_asked(tmp_path: Path) -> None:
    with open_dataset(save(tmp_path / "a.npz", inputs=SAMPLES, labels=LABELS)) as dataset:
        assert [len(batch) for batch in dataset.batches(2, limit=3)] == [2, 1]


@pytest.mark.parametrize("packed", [True, False])
def test_memory_does_not_grow_with_the_dataset(tmp_path: Path, packed: bool) -> None:
    samples = np.zeros((4000, 1024), np.float32)  # 16 MB
    (np.savez_compressed if packed else np.savez)(tmp_path / "a.npz", inputs=samples, labels=np.zeros(4000, int))
    del samples
    tracemalloc.start()
    try:
        with open_dataset(tmp_path / "a.npz") as dataset:
            count = sum(len(batch) for batch in dataset.batches(32))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 4000
    assert peak < 2 * 2**20


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"inputs": SAMPLES}, "has no labels: it holds inputs"),
        ({"inputs": SAMPLES, "labels": LABELS[:3]}, "has 5 samples, but 3 labels"),
        ({"inputs": SAMPLES[:0], "labels": LABELS[:0]}, "is empty"),
        ({"inputs": np.array(["a", "b"]), "labels": [0, 1]}, "are <U1, not numbers"),
        ({"inputs": np.array([{}, {}]), "labels": [0, 1]}, "holds Python objects"),
        ({"inputs": np.float32(3), "labels": [0]}, "is a single number"),
        ({"inputs": np.asfortranarray(SAMPLES), "labels": LABELS}, "stored column by column"),
    ],
)
def test_a_wrong_dataset_is_refused_at_once(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        open_dataset(save(tmp_path / "a.npz", **arrays))


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_a_sample_that_is_no_number_is_named(tmp_path: Path, value: float, kind: str) -> None:
    samples = SAMPLES.copy()
    samples[3, 1] = value
    with pytest.raises(ConfigurationError, match=f"sample 3 of .* holds {kind}"):
        read(save(tmp_path / "a.npz", inputs=samples, labels=LABELS))


def test_a_label_that_is_no_number_is_named(tmp_path: Path) -> None:
    labels = np.array([0, 1, np.nan, 1, 0])
    with pytest.raises(ConfigurationError, match=r"label 2 of .* holds NaN"):
        read(save(tmp_path / "a.npz", inputs=SAMPLES, labels=labels))


def test_a_damaged_npz_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", inputs=SAMPLES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ConfigurationError, match=r"a\.npz can't be read"):
        open_dataset(path)


def test_an_npz_whose_content_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, inputs=np.random.default_rng(0).random((100, 30)), labels=np.zeros(100))
    data = bytearray(path.read_bytes())
    data[2000:2040] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"array inputs can't be read"):
        read(path)


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", SAMPLES)
    np.save(tmp_path / "y.npy", LABELS)
    data = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(data[:-20])
    with pytest.raises(ConfigurationError, match="it ends after row"):
        read(tmp_path / "x.npy", tmp_path / "y.npy")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_text("no array at all")
    with pytest.raises(ConfigurationError, match=r"x\.npy can't be read"):
        open_dataset(tmp_path / "x.npy", tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("inputs.npy", "no array")
    with pytest.raises(ConfigurationError, match="array inputs can't be read"):
        open_dataset(tmp_path / "a.npz")
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(ConfigurationError, match=r"is no \.npz file, no \.npy file and no folder"):
        open_dataset(tmp_path / "a.csv")


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="there is no dataset"):
        open_dataset(tmp_path / "a.npz")
    np.save(tmp_path / "x.npy", SAMPLES)
    with pytest.raises(MissingRequirementError, match=r"there is no dataset .*y\.npy"):
        open_dataset(tmp_path / "x.npy", tmp_path / "y.npy")
    with pytest.raises(ConfigurationError, match=r"x\.npy has no labels"):
        open_dataset(tmp_path / "x.npy")
    with pytest.raises(ConfigurationError, match="can't be read"):
        ArrayStream(tmp_path)


def test_a_folder_without_samples_is_empty(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is empty"):
        open_dataset(tmp_path)


def test_a_folder_without_labels_is_refused(tmp_path: Path, folder: Path) -> None:
    (folder / "cats").mkdir()
    np.save(folder / "cats" / "a.npy", SAMPLES[0])
    with pytest.raises(ConfigurationError, match="sub-folder cats, which is no class number"):
        open_dataset(folder)
    np.save(tmp_path / "a.npy", SAMPLES[0])
    with pytest.raises(ConfigurationError, match=r"has no labels for a\.npy"):
        open_dataset(tmp_path)


def test_samples_of_a_folder_have_one_shape(folder: Path) -> None:
    np.save(folder / "10" / "a.npy", SAMPLES[0])
    with pytest.raises(ConfigurationError, match=r"has the shape \(3,\), the first one \(2,\)"):
        read(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [("a.npy", "line 1 must read FILE,LABEL"), ("a.npy,x", "must read"), ("b.npy,1", "names b.npy, which isn't in")],
)
def test_a_wrong_table_of_labels_is_refused_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    np.save(tmp_path / "a.npy", SAMPLES[0])
    (tmp_path / "labels.csv").write_text(line)
    with pytest.raises(ConfigurationError, match=message):
        open_dataset(tmp_path)
