"""The step `verification`: what came of FINN's verification steps, sample by sample, and how far off it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np

from brainsmith_core.build.workspace import file_digest
from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import BrainsmithError, ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage

from ..models import Array, Runner, load_model
from .report import write_report

__all__ = ["run"]

_STEP = "verification"
_FOLDER = "verification_output"
_SHOWN = 10

#: `verify_streamlined_python_0_SUCCESS.npy`; older versions give no sample's number, some save all tensors as npz.
_RESULT = re.compile(r"verify_(?P<step>.+?)(?:_(?P<sample>\d+))?_(?P<status>SUCCESS|FAIL)\.np(?P<kind>[yz])\Z")


def run(context: StepContext) -> StepOutcome:
    """Report what came of FINN's verification steps; writes `verification.json`.

    Raises:
        ConfigurationError: if the build verified nothing, the files don't fit each other, or, with `must_pass`, if a
            verification didn't pass.
    """
    wanted = _wanted(context)
    expected = _array(context, "expected_output_npy", "verify_expected_output_npy")
    folder = context.workspace.artifacts / _FOLDER
    found = _read(folder, expected)
    if not wanted and not found:
        text = f"the build verified nothing: it set no verify_steps, and there is no {_FOLDER} in its artefacts"
        hint = "set the flags verify_steps, verify_input_npy and verify_expected_output_npy"
        raise ConfigurationError(text, hint=hint)
    names = list(dict.fromkeys([*wanted, *found]))
    results = [found.get(name) or _Result(step=name) for name in names]
    check = _model_check(context, expected)
    data: dict[str, JSONValue] = {
        "passed": all(each.passed for each in results),
        "steps": {each.step: each.to_data() for each in results},
        "expected_output": check,
    }
    artifacts = write_report(context, _STEP, data)
    warnings = [each.complaint() for each in results if not each.passed]
    if check.get("agrees") is False:
        warnings.append(f"the expected output isn't what the model gives: {check['reason']}")
    if warnings and context.parameters["must_pass"]:
        raise ConfigurationError("; ".join(warnings), hint=f"see {artifacts.popitem()[1]}")
    metrics = [metric for each in results for metric in each.metrics(context)]
    return StepOutcome(metrics=metrics, artifacts=artifacts, warnings=warnings)


def _wanted(context: StepContext) -> list[str]:
    given = context.parameters["steps"] or context.config.config_flags.get("verify_steps") or []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ConfigurationError(f"steps must be a list of verification steps, but is {given!r}")
    return [str(each) for each in given]


def _array(context: StepContext, parameter: str, flag: str) -> Array | None:
    """Return what the file of a parameter, or else of FINN's flag, holds; None if neither names one."""
    given = context.parameters[parameter] or context.config.config_flags.get(flag)
    if given is None:
        return None
    path = Path(str(given))
    try:
        found: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ConfigurationError(f"{parameter}: {path} can't be read: {error}", hint="give a .npy file") from error
    if not isinstance(found, np.ndarray):
        raise ConfigurationError(f"{parameter}: {path} holds no single array", hint="give a .npy file")
    return found


@attrs.define(kw_only=True)
class _Result:
    """What came of one verification step.

    Args:
        step: its name.
        statuses: by sample: whether it passed.
        errors: by sample: the greatest absolute difference from the expected output, where both are known.
        file: the last result file.
        reason: why there is no difference, or "".
    """

    step: str
    statuses: dict[int, bool] = attrs.field(factory=dict)
    errors: dict[int, float] = attrs.field(factory=dict)
    file: Path | None = None
    reason: str = ""

    @property
    def failed(self) -> list[int]:
        """The samples that didn't pass."""
        return sorted(sample for sample, passed in self.statuses.items() if not passed)

    @property
    def passed(self) -> bool:
        """Whether there are results, and all of them are as expected."""
        return bool(self.statuses) and not self.failed

    def complaint(self) -> str:
        """Return what is wrong."""
        if not self.statuses:
            return f"verification {self.step} was asked for, but the build has no result of it"
        shown = ", ".join(str(sample) for sample in self.failed[:_SHOWN])
        return f"verification {self.step} failed for {len(self.failed)} of {len(self.statuses)} samples: {shown}"

    def to_data(self) -> JSONValue:
        """Return plain JSON data."""
        if not self.statuses:
            return {"status": "missing", "reason": self.complaint()}
        return {
            "status": "SUCCESS" if self.passed else "FAIL",
            "samples": len(self.statuses),
            "failed": len(self.failed),
            "first_failed": list[JSONValue](self.failed[:_SHOWN]),
            "max_abs_error": max(self.errors.values()) if self.errors else None,
            **({"no_error_because": self.reason} if not self.errors else {}),
        }

    def metrics(self, context: StepContext) -> Iterator[Metric]:
        """Yield how many samples there were, how many failed, and how far off they were."""
        values: dict[str, tuple[JSONValue, str]] = {
            "verify.samples": (len(self.statuses) or None, "count"),
            "verify.failed": (len(self.failed) if self.statuses else None, "count"),
            "verify.max_abs_error": (max(self.errors.values()) if self.errors else None, "value"),
        }
        source = MetricSource()
        if self.file is not None:
            source = MetricSource(file=context.workspace.relative(self.file), sha256=file_digest(self.file))
        for name, (value, unit) in values.items():
            status = MetricStatus.MISSING if value is None else MetricStatus.MEASURED
            scope = {"step": self.step}
            yield Metric(
                name=name, value=value, unit=unit, stage=Stage.BUILD, scope=scope, status=status, source=source
            )


def _read(folder: Path, expected: Array | None) -> dict[str, _Result]:
    """Return the results in a folder, by verification step; each file is read by itself."""
    results: dict[str, _Result] = {}
    for path in sorted(folder.glob("verify_*")):
        match = _RESULT.fullmatch(path.name)
        if match is None:
            continue
        result = results.setdefault(match["step"], _Result(step=match["step"]))
        sample = int(match["sample"] or 0)
        result.statuses[sample] = match["status"] == "SUCCESS"
        result.file = path
        _add_error(result, sample, path, None if match["kind"] == "z" else expected)
    return results


def _add_error(result: _Result, sample: int, path: Path, expected: Array | None) -> None:
    if expected is None:
        result.reason = "no expected output is given, or all tensors were saved instead of the output"
    elif sample >= len(expected):
        result.reason = f"the expected output has {len(expected)} samples, but there is a result for sample {sample}"
    else:
        found = np.asarray(np.load(path, allow_pickle=False), np.float64)
        wanted = np.asarray(expected[sample], np.float64)
        if found.size != wanted.size:
            result.reason = f"{path.name} has {found.size} values, the expected output {wanted.size}"
        else:
            result.errors[sample] = float(np.abs(found.reshape(-1) - wanted.reshape(-1)).max(initial=0.0))


def _model_check(context: StepContext, expected: Array | None) -> dict[str, JSONValue]:
    """Say whether the expected output is what the processed model gives: else every verification must fail."""
    samples = _array(context, "input_npy", "verify_input_npy")
    if samples is None or expected is None:
        return {"agrees": None, "reason": "no input or no expected output is given"}
    if len(samples) != len(expected):
        text = f"the verification's input has {len(samples)} samples, but the expected output {len(expected)}"
        raise ConfigurationError(text, hint="make both from the same samples")
    tolerance = context.parameters["tolerance"]
    assert isinstance(tolerance, int | float)
    try:
        found = Runner(load_model(Path(context.model_path))).run_samples(samples)
    except BrainsmithError as error:
        return {"agrees": None, "reason": error.message}
    if found.size != expected.size:
        reason = f"the model gives {found.size} values for the input, the expected output has {expected.size}"
        return {"agrees": False, "max_abs_error": None, "reason": reason}
    difference = np.abs(np.asarray(found, np.float64).reshape(-1) - np.asarray(expected, np.float64).reshape(-1))
    worst = float(difference.max(initial=0.0))
    reason = f"the greatest difference is {worst:g}, the tolerance {tolerance:g}"
    return {"agrees": bool(worst <= tolerance), "max_abs_error": worst, "reason": reason}
