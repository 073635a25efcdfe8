from __future__ import annotations

from typing import Any

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_dse.choices import Choice, kernel_choices, parse_kernel, parse_transform, transform_choices
from brainsmith_dse.space import HWCompilerSpace

ANY = ("*",)


@pytest.mark.parametrize(
    ("item", "options"),
    [
        ("MatMul", [("MatMul", ANY)]),
        ("~MatMul", [("MatMul", ANY), None]),
        (["Gemm", ["rtl", "hls"]], [("Gemm", ("rtl",)), ("Gemm", ("hls",))]),
        (["~Softmax", ["flash"]], [("Softmax", ("flash",)), None]),
        (
            [["~Softmax", ["flash", "standard"]]],
            [("Softmax", ("flash",)), ("Softmax", ("standard",)), None],
        ),
        (["A", "B"], [("A", ANY), ("B", ANY)]),
        ([None, "Transpose"], [("Transpose", ANY), None]),
        (["A", ["B", ["hls"]]], None),
        ([["B", ["hls"]], "A"], [("B", ("hls",)), ("A", ANY)]),
        (("Gemm", ("rtl",)), [("Gemm", ("rtl",))]),
        ({"name": "Gemm"}, [("Gemm", ANY)]),
        ({"name": "Gemm", "backends": ["hls"], "optional": True}, [("Gemm", ("hls",)), None]),
        ({"one_of": ["A", "~B"]}, [("A", ANY), ("B", ANY), None]),
        ({"one_of": ["A", "B"], "optional": True}, [("A", ANY), ("B", ANY), None]),
    ],
)
def test_a_kernel_item_stands_for_its_options(item: Any, options: list[Any] | None) -> None:
    if options is None:
        with pytest.raises(ConfigurationError, match="wrong backend"):
            parse_kernel(item)
    else:
        assert list(parse_kernel(item).options) == options


@pytest.mark.parametrize(
    ("item", "options"),
    [
        ("x", ["x"]),
        ("~x", ["x", None]),
        (["a", "b"], ["a", "b"]),
        ([None, "a"], ["a", None]),
        (["~a", "b"], ["a", "b", None]),
        ({"name": "a"}, ["a"]),
        ({"one_of": ["a", "b"], "optional": True}, ["a", "b", None]),
    ],
)
def test_a_transform_item_stands_for_its_options(item: Any, options: list[Any]) -> None:
    assert list(parse_transform(item).options) == options


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (7, "must be a name"),
        ("", "is no name"),
        ("~", "is no name"),
        ('(~, "x")', "is no name"),
        ([], "nothing to choose from"),
        ([None], "nothing to choose from"),
        (["A", "A"], '"A" .*is given twice'),
        (["Gemm", []], "must be a list"),
        (["Gemm", ["h l s"]], "wrong backend"),
        ({"nam": "A"}, 'no key "nam"'),
        ({"name": "A", "one_of": ["B"]}, "either name or one_of"),
        ({"optional": True}, "either name or one_of"),
        ({"name": 7}, "name must be a text"),
        ({"one_of": "A"}, "one_of must be a list"),
        ({"name": "A", "optional": "yes"}, "true or false"),
        ({"backends": ["hls"]}, "belong to a kernel's name"),
        ({"name": "A", "backends": "hls"}, "must be a list"),
    ],
)
def test_a_wrong_kernel_item_is_refused_with_the_reason(item: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_kernel(item)


def test_a_wrong_transform_key_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_transform({"one_off": ["a"]})
    assert caught.value.hint == 'did you mean "one_of"?'


def test_a_kernel_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match='kernel "A" is named twice'):
        kernel_choices(["A", ["B", "~A"]])


def test_a_transform_may_run_twice_but_not_be_chosen_twice() -> None:
    assert len(transform_choices(["tidy", "fold", "tidy"])) == 3
    with pytest.raises(ConfigurationError, match='"tidy" is left to choice, but is named twice'):
        transform_choices(["~tidy", "fold", "tidy"])


def test_choices_that_are_made_already_are_taken_as_they_are() -> None:
    space = HWCompilerSpace(kernels=["A"], transforms={"s": ["t"]})
    assert HWCompilerSpace(kernels=space.kernels, transforms=space.transforms) == space
    assert not Choice(("a", None)).is_fixed
    with pytest.raises(ConfigurationError, match="nothing to choose from"):
        Choice(())
    with pytest.raises(ConfigurationError, match="option ~ is given twice"):
        Choice((None, None))


def test_the_combinations_of_a_hardware_space_can_be_listed() -> None:
    space = HWCompilerSpace(
        kernels=["MatMul", ["Gemm", ["rtl", "hls"]]], transforms={"cleanup": ["~x"], "opt": [["a", "b"]]}
    )
    assert space.get_kernel_combinations() == [
        (("MatMul", ANY), ("Gemm", ("rtl",))),
        (("MatMul", ANY), ("Gemm", ("hls",))),
    ]
    assert space.get_transform_combinations_by_stage() == {"cleanup": [("x",), ()], "opt": [("a",), ("b",)]}
    assert {"cleanup": (), "opt": ("b",)} in space.get_transform_combinations()
    assert len(space.get_transform_combinations()) == 4
