"""The preprocessing steps, as plugins' records: names, parameters and where their code is."""

from __future__ import annotations

from brainsmith_core.records import Parameter, StepSpec

__all__ = ["STEPS"]

_HOME = "brainsmith_onnx.preprocessing"

_SAMPLES = Parameter(
    name="samples",
    type="str",
    summary="file of samples: .npz with `inputs` (and `labels`), or .npy; relative to the model's folder",
)

STEPS: tuple[StepSpec, ...] = (
    StepSpec(
        name="verify_model",
        summary="Load the model, check it, run it, and name what FINN can't build.",
        target=f"{_HOME}.verify_model:run",
        parameters=(
            _SAMPLES,
            Parameter(
                name="unsupported",
                type="str",
                summary="what an operator that FINN can't build does to the build",
                default="fail",
                choices=("fail", "warn"),
            ),
            Parameter(name="allow", type="list", summary="operators that steps of your own take care of", default=[]),
            Parameter(name="seed", type="int", summary="of the random inputs, where no samples are given", default=0),
        ),
        outputs=("report",),
    ),
)
