"""The reference names every step, parameter and pass as the code has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainsmith_core.records import StepSpec
from brainsmith_onnx.pre_records import STEPS
from brainsmith_onnx.preprocessing.passes import PASSES

REFERENCE = (Path(__file__).parents[4] / "docs" / "reference" / "preprocessing.md").read_text()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_parameter_of_a_step_is_in_the_reference(step: StepSpec) -> None:
    head, _, rest = REFERENCE.partition(f"## `{step.name}`\n")
    assert rest, "no section"
    common = head.partition("\n## ")[0]
    section = rest.partition("\n## ")[0]
    assert step.summary in section
    for parameter in step.parameters:
        row = f"| `{parameter.name}` | {parameter.type} | "
        assert row in section or row in common
        assert parameter.summary in section or parameter.name in ("runs", "seed", "rtol", "atol")


@pytest.mark.parametrize("name", list(PASSES))
def test_every_pass_is_in_the_reference(name: str) -> None:
    assert f"| `{name}` | {PASSES[name].summary} | " in REFERENCE
