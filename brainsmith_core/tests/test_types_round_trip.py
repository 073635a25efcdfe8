"""Every type of the contract goes to JSON and back unchanged, and refuses what it doesn't know."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage, ProcessingStep, known_flag_error
from brainsmith_core.context import Finding, StepOutcome
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.formats.json_values import checked_json, checked_json_dict
from brainsmith_core.formats.serialization import from_data, to_data
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.result import BuildMetrics, BuildResult, BuildStatus, ErrorReport, LogLine, PluginUse

text = st.text(max_size=8)
names = st.text(min_size=1, max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(min_value=datetime(2000, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
json_dicts = st.dictionaries(text, json_values, max_size=3)
limits = st.none() | st.floats(min_value=0.1, max_value=1e6)


def steps(kind: str) -> st.SearchStrategy[ProcessingStep]:
    return st.builds(
        ProcessingStep,
        name=names,
        type=st.just(kind),
        parameters=json_dicts,
        enabled=st.booleans(),
        on_error=st.sampled_from([None, "fail", "continue"]),
    )


global_configs = st.builds(
    GlobalConfig,
    output_stage=st.sampled_from(OutputStage),
    working_directory=text,
    cache_results=st.booleans(),
    save_artifacts=st.booleans(),
    log_level=st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR"]),
    max_combinations=st.none() | st.integers(1, 10**9),
    timeout_minutes=limits,
    memory_gb=limits,
    start_step=st.none() | names,
    stop_step=st.none() | names,
)
build_configs = st.builds(
    BuildConfig,
    id=names,
    model_path=names,
    output_dir=names,
    design_space_id=text,
    kernels=st.lists(st.tuples(text, st.lists(text, max_size=3)), max_size=3),
    transforms=st.dictionaries(text, st.lists(text, max_size=3), max_size=3),
    build_steps=st.lists(text, max_size=3),
    config_flags=json_dicts,
    preprocessing=st.lists(steps("preprocessing"), max_size=2),
    postprocessing=st.lists(steps("postprocessing"), max_size=2),
    global_config=global_configs,
    combination_index=st.integers(0, 10**6),
    total_combinations=st.integers(0, 10**6),
)
sources = st.builds(
    MetricSource,
    file=text,
    sha256=text,
    parser=text,
    version=text,
    plugin=text,
    field=text,
    formula=st.none() | text,
)
present = st.builds(
    Metric,
    name=names,
    value=json_values.filter(lambda value: value is not None),
    unit=text,
    stage=st.sampled_from(Stage),
    scope=st.dictionaries(text, text, max_size=2),
    status=st.sampled_from([MetricStatus.MEASURED, MetricStatus.SIMULATED]),
    source=sources,
)
absent = st.builds(
    Metric,
    name=names,
    stage=st.sampled_from(Stage),
    status=st.sampled_from([MetricStatus.MISSING, MetricStatus.UNPARSABLE]),
)
figures = st.none() | numbers
build_metrics = st.builds(
    BuildMetrics,
    throughput=figures,
    latency=figures,
    clock_frequency=figures,
    lut_utilization=figures,
    dsp_utilization=figures,
    bram_utilization=figures,
    uram_utilization=figures,
    total_power=figures,
    accuracy=figures,
    raw_metrics=json_dicts,
    stages=st.dictionaries(text, text, max_size=2),
    simulated=st.booleans(),
)
log_lines = st.builds(LogLine, text=text, id=text, line=st.none() | st.integers(1, 10**6), file=text)
error_reports = st.builds(
    ErrorReport,
    category=text,
    message=text,
    phase=text,
    step=text,
    first_error=st.none() | log_lines,
    advice=st.lists(text, max_size=2),
    retryable=st.booleans(),
    traceback=text,
)
results = st.builds(
    BuildResult,
    config_id=text,
    status=st.sampled_from(BuildStatus),
    metrics=st.none() | build_metrics,
    start_time=times,
    end_time=st.none() | times,
    duration_seconds=st.floats(0, 1e9),
    artifacts=st.dictionaries(text, text, max_size=2),
    logs=st.dictionaries(text, text, max_size=2),
    error_message=st.none() | text,
    error=st.none() | error_reports,
    warnings=st.lists(text, max_size=2),
    backend=text,
    simulated=st.booleans(),
    output_dir=text,
    plugins=st.lists(st.builds(PluginUse, name=text, distribution=text, version=text, role=text), max_size=2),
    provenance=json_dicts,
    cached=st.booleans(),
)
events = st.builds(BuildEvent, kind=text, build_id=text, time=times, data=json_dicts)
findings = st.builds(Finding, name=text, state=st.sampled_from(["ok", "warning", "missing"]), message=text, fix=text)
outcomes = st.builds(
    StepOutcome,
    model_path=text,
    metrics=st.lists(present, max_size=1),
    artifacts=st.dictionaries(text, text, max_size=1),
    warnings=st.lists(text, max_size=1),
)
everything = st.one_of(
    steps("preprocessing"), global_configs, build_configs, present, absent, build_metrics, error_reports, results,
    events, findings, outcomes,
)  # fmt: skip


@given(everything)
def test_every_type_goes_through_json_text_and_comes_back_equal(value: Any) -> None:
    assert from_data(type(value), json.loads(json.dumps(to_data(value)))) == value


@given(everything, st.text(min_size=1))
def test_an_unknown_key_is_refused_everywhere(value: Any, key: str) -> None:
    known = {field.name for field in attrs.fields(type(value))}
    data = to_data(value)
    if key in known:
        return
    with pytest.raises(ConfigurationError, match="unknown key"):
        from_data(type(value), {**data, key: 1})


def config_data(**changes: Any) -> dict[str, Any]:
    return {**BuildConfig(id="a", model_path="m", output_dir="o").to_dict(), **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modle_path": "x"}, 'unknown key "modle_path"\ndid you mean "model_path"?'),
        ({"global_config": {"output_stage": "rtll"}}, 'global_config.output_stage: "rtll" is no OutputStage'),
        ({"global_config": {"output_stage": "rtll"}}, 'did you mean "rtl"?'),
        ({"global_config": {"log_level": "info"}}, 'did you mean "INFO"?'),
        ({"global_config": {"memory_gb": True}}, "must be float, but is bool: True"),
        ({"global_config": {"memory_gb": 0}}, "memory_gb must be greater than 0"),
        ({"global_config": {"start_step": "a", "input_type": "qonnx"}}, "the same thing twice"),
        ({"global_config": []}, "must be a mapping (GlobalConfig), but is list"),
        ({"kernels": [["MVAU"]]}, "kernels[0]: must have 2 items, but has 1"),
        ({"kernels": "MVAU"}, "kernels: must be a list, but is str"),
        ({"transforms": {"a": [1]}}, "transforms.a[0]: must be str, but is int: 1"),
        ({"transforms": []}, "transforms: must be a mapping, but is list"),
        ({"config_flags": {"x": float("nan")}}, "nan, which JSON can't hold"),
        (
            {"preprocessing": [{"name": "x", "type": "postprocessing"}]},
            "says that it is a postprocessing step",
        ),
        ({"preprocessing": [{"type": "preprocessing"}]}, 'preprocessing[0]: the key "name" is missing'),
        ({"id": ""}, "the build's id is empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        BuildConfig.from_dict(config_data(**changes), "build.yaml")
    assert str(caught.value).startswith("build.yaml")
    assert message in str(caught.value)


def test_a_time_that_is_none_is_refused() -> None:
    data = BuildResult(config_id="a").to_dict() | {"start_time": "yesterday"}
    with pytest.raises(ConfigurationError, match="ISO 8601"):
        BuildResult.from_dict(data)


def test_keys_that_are_no_strings_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="keys must be strings"):
        from_data(BuildConfig, config_data(transforms={1: ["a"]}))
    with pytest.raises(ConfigurationError, match="keys must be strings"):
        checked_json_dict({1: 2})


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="of type object"):
        checked_json({"a": [object()]})
    with pytest.raises(ConfigurationError, match="must be a mapping"):
        checked_json_dict([1])


@pytest.mark.parametrize(
    ("kind", "on_error", "fails"),
    [
        ("preprocessing", None, True),
        ("preprocessing", "continue", False),
        ("postprocessing", None, False),
        ("postprocessing", "fail", True),
    ],
)
def test_what_a_failing_step_does_depends_on_its_side_and_on_error(kind: Any, on_error: Any, fails: bool) -> None:
    assert ProcessingStep(name="x", type=kind, on_error=on_error).fails_build is fails


def test_two_names_of_one_flag_must_agree() -> None:
    config = BuildConfig(
        id="a", model_path="m", output_dir="o", config_flags={"board": "Pynq-Z1", "target_device": "Ultra96"}
    )
    with pytest.raises(ConfigurationError, match="contradict"):
        config.flag("board", "target_device")
    assert config.flag("target_fps") is None


def test_an_unknown_flag_names_the_nearest_one() -> None:
    assert 'did you mean "target_fps"?' in str(known_flag_error("target_fsp", ["target_fps"], "FINN+ 1.6.1"))


def test_a_metric_has_a_value_exactly_if_it_was_obtained() -> None:
    with pytest.raises(ValueError, match=r"util\.lut"):
        Metric(name="util.lut", stage=Stage.ESTIMATE)
    with pytest.raises(ValueError, match=r"util\.lut"):
        Metric(name="util.lut", value=0, stage=Stage.ESTIMATE, status=MetricStatus.MISSING)
    zero = Metric(name="util.lut", value=0, stage=Stage.ESTIMATE)
    assert zero.is_present
    assert zero.number == 0.0
    assert Metric(name="perf.max_cycles_node", value="MVAU_0", stage=Stage.ESTIMATE).number is None


def test_a_result_knows_how_long_its_build_took() -> None:
    result = BuildResult(config_id="a")
    result.complete(BuildStatus.FAILED, "no luck")
    assert result.end_time is not None
    assert result.duration_seconds >= 0
    assert (result.error_message, result.succeeded) == ("no luck", False)
    result.complete(BuildStatus.SUCCESS, duration_seconds=12.5)
    assert (result.duration_seconds, result.succeeded) == (12.5, True)


def test_only_what_ended_by_itself_is_final() -> None:
    final = {status for status in BuildStatus if status.is_final}
    assert final == {BuildStatus.SUCCESS, BuildStatus.FAILED, BuildStatus.TIMEOUT}
