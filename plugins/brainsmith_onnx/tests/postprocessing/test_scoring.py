"""What counts as right, and how the figures of batches become one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from brainsmith_core.errors import BrainsmithError, ConfigurationError
from brainsmith_onnx.postprocessing.scoring import TopK, Total, make_score, predicted

SCORES = npst.arrays(np.float32, st.tuples(st.integers(1, 8), st.just(5)), elements=st.integers(0, 3).map(float))


def squared_error(outputs: Any, labels: Any) -> Any:
    """A metric of the user's own."""
    return ((outputs - labels) ** 2).mean(axis=1)


def too_few(outputs: Any, labels: Any) -> Any:
    """A metric that forgets samples."""
    return outputs[:1, 0] + labels[:1]


def fails(outputs: Any, labels: Any) -> Any:
    """A metric that fails."""
    raise KeyError("no idea")


NOT_CALLABLE = 3


@given(scores=SCORES, seed=st.integers(0, 99))
def test_the_first_of_one_is_what_argmax_says(scores: Any, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 5, len(scores))
    assert np.array_equal(TopK(1).rate(scores, labels, 0), scores.argmax(axis=1) == labels)
    assert np.array_equal(predicted(scores), scores.argmax(axis=1))


@given(scores=SCORES, k=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_first_of_many_are_those_of_a_stable_sort(scores: Any, k: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 5, len(scores))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert np.array_equal(TopK(k).rate(scores, labels, 0), (order == labels[:, None]).any(axis=1))


def test_a_model_that_gives_the_class_itself_is_right_where_it_is_the_label() -> None:
    outputs = np.array([[1.0], [4.0]])
    assert TopK(1).rate(outputs, np.array([1, 2]), 0).tolist() == [1, 0]
    assert predicted(outputs).tolist() == [1, 4]
    with pytest.raises(ConfigurationError, match="top2 needs scores of all classes"):
        TopK(2).rate(outputs, np.array([1, 2]), 0)


def test_labels_may_be_whole_floats_in_a_column() -> None:
    assert TopK(1).rate(np.eye(3), np.array([[0.0], [1.0], [2.0]]), 0).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "label 8 is 3, but the model knows the classes 0 to 1"),
        ([-1, 0], "label 7 is -1"),
        ([0.5, 1], "label 7 is 0.5, which is no class number"),
        ([[0, 1], [1, 0]], "each label has 2 numbers"),
    ],
)
def test_labels_that_are_no_classes_of_the_model_are_named(labels: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TopK(1).rate(np.eye(2), np.array(labels), 7)


def test_more_classes_than_the_model_knows_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="k is 3, but the model knows 2 classes"):
        TopK(3).rate(np.eye(2), np.array([0, 1]), 0)


def test_a_metric_of_the_users_own_is_called_with_outputs_and_labels() -> None:
    score = make_score(f"{__name__}:squared_error", 1)
    assert score.rate(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]), 0).tolist() == [2.0]


@pytest.mark.parametrize(
    ("name", "message"),
    [("too_few", r"gave \(1,\) for 2 samples"), ("fails", "failed for sample 4 and later: KeyError")],
)
def test_a_metric_that_fails_is_named(name: str, message: str) -> None:
    score = make_score(f"{__name__}:{name}", 1)
    with pytest.raises(ConfigurationError, match=message):
        score.rate(np.eye(2), np.array([0, 1]), 4)


def test_a_metric_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match='there is no metric "top_1"'):
        make_score("top_1", 1)
    with pytest.raises(BrainsmithError, match="no_such_module"):
        make_score("no_such_module:function", 1)
    with pytest.raises(ConfigurationError, match="can't be called"):
        make_score(f"{__name__}:NOT_CALLABLE", 1)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), size=st.integers(1, 7))
def test_the_mean_does_not_depend_on_the_batches(values: list[float], size: int) -> None:
    whole, parts = Total(), Total()
    whole.add(np.array(values))
    for start in range(0, len(values), size):
        parts.add(np.array(values[start : start + size]))
    assert parts.count == whole.count == len(values)
    assert parts.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-9)


def test_many_batches_need_no_more_memory() -> None:
    total = Total()
    for _ in range(3000):
        total.add(np.array([1.0]))
    assert total.mean == 1
