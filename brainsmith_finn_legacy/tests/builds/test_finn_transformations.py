from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.errors import ConfigurationError
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.transformations import FINNTransformationRegistry, TransformCall, parse_call


@pytest.fixture
def registry(environment: FINNEnvironment) -> FINNTransformationRegistry:
    return FINNTransformationRegistry(environment.description.transformations, environment.title)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("InferShapes", TransformCall(name="InferShapes")),
        ("~ InferShapes", TransformCall(name="InferShapes", optional=True)),
        ("a.b.C{}", TransformCall(name="a.b.C")),
        ('C{a=1, b="x y", c=[1, 2]}', TransformCall(name="C", parameters={"a": 1, "b": "x y", "c": [1, 2]})),
        (
            "C{a=1.5 b=word c=true d=None}",
            TransformCall(name="C", parameters={"a": 1.5, "b": "word", "c": True, "d": None}),
        ),
        ("C{part=xc7z020clg400-1}", TransformCall(name="C", parameters={"part": "xc7z020clg400-1"})),
        ("C{name=2x}", TransformCall(name="C", parameters={"name": "2x"})),
    ],
)
def test_a_text_says_which_transformation_with_which_parameters(text: str, call: TransformCall) -> None:
    assert parse_call(text) == call


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    parameters=st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), json_values, max_size=4),
    optional=st.booleans(),
)
def test_a_call_written_as_text_reads_back_the_same(parameters: dict[str, Any], optional: bool) -> None:
    call = TransformCall(name="package.Name", parameters=parameters, optional=optional)
    assert parse_call(str(call)) == call


@pytest.mark.parametrize("text", ["", "1Name", "Name{", "Name{a}", "Name{a=}", "Name{=1}", "Name{a=[1}", "Na me"])
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_call(text)


def test_the_registry_lists_what_the_environment_has(
    registry: FINNTransformationRegistry, environment: FINNEnvironment
) -> None:
    assert [each.name for each in registry] == [each.name for each in environment.description.transformations]
    assert len(registry) == len(environment.description.transformations)
    assert "InferShapes" in registry
    assert "qonnx.transformation.infer_shapes.InferShapes" in registry
    assert "InferShape" not in registry


@pytest.mark.parametrize("text", ["SetFolding{mvau_wwidth_max=80}", "SpecializeLayers{fpgapart=xc7z020clg400-1}"])
def test_a_known_transformation_gets_its_dotted_name(registry: FINNTransformationRegistry, text: str) -> None:
    call = registry.resolve(text)
    assert call.name.startswith("finn.transformation.fpgadataflow.")
    task = call.to_task()
    assert f"{task['module']}.{task['name']}" == call.name
    assert task["parameters"] == call.parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("InferShape", 'did you mean "InferShapes"'),
        (
            "qonnx.transformation.infer_shapes.InferShape",
            'did you mean "qonnx.transformation.infer_shapes.InferShapes"',
        ),
        ("SetFolding{width=3}", "has no parameter width"),
        ("InferShapes{a=1}", "it takes none"),
        ("SpecializeLayers", "write SpecializeLayers{fpgapart=...}"),
        ("MoveOpPastFork{op_name_list=[]}", "give one of them: finn.transformation.streamline.reorder.MoveOpPastFork"),
    ],
)
def test_what_the_registry_does_not_know_is_refused_with_what_it_does(
    registry: FINNTransformationRegistry, text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.resolve(text)
    assert message in str(caught.value)
