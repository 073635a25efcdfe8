"""Real FINN builds: what the backend adds to FINN, and what it makes of bad input."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.config import BuildConfig, GlobalConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments.records import FINNEnvironment

pytestmark = pytest.mark.finn

MAKE_MODELS = Path(__file__).parent / "by_hand" / "make_models.py"
STEPS = Path(__file__).parent / "user_steps" / "faulty.py"

Build = Callable[..., BuildResult]


@pytest.fixture
def build(finn: FINNEnvironment, real_model: Path, build_with: Callable[..., BuildResult], tmp_path: Path) -> Build:
    """Build a small real model."""
    made: list[Path] = []

    def run(flags: dict[str, Any] | None = None, settings: dict[str, Any] | None = None, **changes: Any) -> BuildResult:
        out = tmp_path / f"out{len(made)}"
        made.append(out)
        values: dict[str, Any] = {"id": "point", "model_path": str(real_model), "output_dir": str(out)}
        values["config_flags"] = {"board": "Pynq-Z1", "target_clock_ns": 10.0, **(flags or {})}
        values["global_config"] = GlobalConfig(**(settings or {}))
        return build_with(LegacyFINNBackend(environment=finn), BuildConfig(**{**values, **changes}))

    return run


@pytest.fixture(scope="session")
def bad_models(finn: FINNEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that FINN can't convert, made with the onnx package of its environment."""
    folder = tmp_path_factory.mktemp("bad_models")
    subprocess.run([str(finn.python), str(MAKE_MODELS), str(folder)], check=True, stdin=subprocess.DEVNULL)
    return folder


def reports(result: BuildResult) -> dict[str, Any]:
    """Return a build's reports, but for the times."""
    folder = Path(result.output_dir) / "artifacts" / "report"
    timed = ("time_per_step.json", "auto_folding_config.json")
    return {path.name: json.loads(path.read_bytes()) for path in folder.glob("*.json") if path.name not in timed}


def test_an_estimate_gives_metrics_and_a_final_model(build: Build) -> None:
    result = build({"target_fps": 10_000})
    assert result.status is BuildStatus.SUCCESS
    assert result.metrics is not None
    assert result.metrics.throughput is not None
    assert result.metrics.throughput >= 10_000
    assert (Path(result.output_dir) / "final_model.onnx").stat().st_size > 1000
    provenance: dict[str, Any] = result.provenance
    assert provenance["finn"]["version"] == json.loads(json.dumps(provenance["finn"]))["version"]
    assert sum(provenance["finn_layers"].values()) > 1


def test_a_target_that_cannot_be_met_is_a_warning(build: Build) -> None:
    result = build({"target_fps": 2_000_000_000})
    assert result.status is BuildStatus.SUCCESS
    assert any(warning.startswith("target_fps 2000000000 isn't met: FINN estimates") for warning in result.warnings)


def test_results_do_not_depend_on_intermediate_models_being_saved(build: Build) -> None:
    with_them = build({"target_fps": 1000, "save_intermediate_models": True})
    without = build({"target_fps": 1000})
    assert reports(with_them) == reports(without)
    saved = {path.name for path in (Path(with_them.output_dir) / "artifacts" / "intermediate_models").iterdir()}
    assert {"step_streamline.onnx", "step_generate_estimate_reports.onnx", "dataflow_parent.onnx"} <= saved


@pytest.mark.parametrize(
    ("model", "nodes"),
    [
        ("float_mlp", ['"fc1" in the model', '"fc2" in the model', "MatMul of FLOAT32, FLOAT32"]),
        ("sine_between", ['"sine" in the model', "Sin of FLOAT32"]),
        ("no_layers", ['"sine" in the model', '"cosine" in the model']),
    ],
)
def test_a_model_that_finn_cannot_convert_is_refused_before_the_build_with_the_nodes(
    build: Build, bad_models: Path, tmp_path: Path, model: str, nodes: list[str]
) -> None:
    with pytest.raises(ConfigurationError, match="can't convert the model") as caught:
        build(model_path=str(bad_models / f"{model}.onnx"))
    for node in nodes:
        assert node in caught.value.message
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out0").exists()


def test_a_damaged_model_is_refused_before_the_build(build: Build, tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_bytes(b"\x08\x07\x12\xff\xff\xff\xff\x01garbage")
    with pytest.raises(ConfigurationError, match="Error parsing message") as caught:
        build(model_path=str(tmp_path / "damaged.onnx"))
    assert caught.value.category == "model_load"


def test_kernels_are_made_as_a_specialise_layers_file_would_have_them(build: Build, tmp_path: Path) -> None:
    flags = {"target_fps": 1000, "standalone_thresholds": True}
    preferred = build(flags, kernels=[("Thresholding", ["hls"]), ("MVAU", ["rtl", "hls"]), ("~VVAU", ["hls"])])
    plain = build(flags)
    names = [name for name in _template(plain) if name != "Defaults"]
    chosen = {"Thresholding": "hls", "MVAU": "rtl"}
    file = {
        name: {"preferred_impl_style": chosen[name.rpartition("_")[0]]}
        for name in names
        if name[:4] in ("Thre", "MVAU")
    }
    (tmp_path / "styles.json").write_text(json.dumps({"Defaults": {}, **file}))
    by_file = build({**flags, "specialize_layers_config_file": str(tmp_path / "styles.json")})
    assert reports(preferred) == reports(by_file)
    assert reports(preferred) != reports(plain)
    assert "Thresholding_hls" in str(preferred.provenance["finn_layers"])


def _template(result: BuildResult) -> dict[str, Any]:
    path = Path(result.output_dir) / "artifacts" / "template_specialize_layers_config.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def test_a_kernel_that_is_not_in_the_model_fails_with_those_that_are(build: Build) -> None:
    result = build(kernels=[("VVAU", ["hls"])])
    assert result.error is not None
    assert result.error.category == "kernel"
    assert "the model has no VVAU layer; its kernels at this point: " in result.error.message
    assert "MVAU" in result.error.message


def test_transforms_and_the_users_own_steps_take_part(build: Build) -> None:
    result = build(
        {"target_fps": 1000},
        transforms={
            "cleanup": ["GiveUniqueNodeNames", "GiveReadableTensorNames"],
            "topology_opt": ["FoldConstants{exclude_op_types=[]}"],
            "dataflow_opt": ["~NotInThisEnvironment", "qonnx.transformation.infer_shapes.InferShapes"],
            "after:step_specialize_layers": ["InferDataTypes"],
        },
    )
    assert result.status is BuildStatus.SUCCESS
    steps: Any = result.provenance["finn_steps"]
    assert [step for step in steps if step.startswith("transforms_")] == [
        *("transforms_cleanup", "transforms_topology_opt", "transforms_after_step_specialize_layers"),
        "transforms_dataflow_opt",
    ]
    assert any("NotInThisEnvironment" in warning for warning in result.warnings)
    assert reports(result) == reports(build({"target_fps": 1000}))


def test_a_build_may_stop_early_and_go_on_from_there(build: Build) -> None:
    begun = build({"target_fps": 1000}, settings={"stop_step": "step_tidy_up"})
    assert begun.status is BuildStatus.SUCCESS
    model = str(Path(begun.output_dir) / "final_model.onnx")
    ended = build({"target_fps": 1000}, settings={"start_step": "step_streamline"}, model_path=model)
    assert reports(ended) == reports(build({"target_fps": 1000}))


def test_folding_that_does_not_divide_is_refused_and_unknown_layers_are_a_warning(build: Build, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({"Defaults": {}, "MVAU_hls_0": {"SIMD": 13}}))
    bad = build({"folding_config_file": str(tmp_path / "bad.json")})
    assert bad.error is not None
    assert (bad.error.category, bad.error.step) == ("configuration", "step_apply_folding_config")
    assert "SIMD=13 of MVAU_hls_0 doesn't divide MW=" in bad.error.message
    assert "estimate_network_performance.json" not in reports(bad)
    (tmp_path / "odd.json").write_text(json.dumps({"Defaults": {}, "MVAU_hls_77": {"SIMD": 1}}))
    odd = build({"folding_config_file": str(tmp_path / "odd.json")})
    assert odd.status is BuildStatus.SUCCESS
    assert "FINN: Unused HW configurations: MVAU_hls_77" in odd.warnings


def test_code_is_generated_without_vivado_and_stays_where_it_was_generated(build: Build, finn: FINNEnvironment) -> None:
    if "hw_codegen" not in finn.description.flows:
        pytest.skip(f"{finn.title} has no flow hw_codegen")
    result = build({"target_fps": 1000}, build_steps=["hw_codegen"])
    assert result.status is BuildStatus.SUCCESS
    build_dir = Path(result.output_dir) / "backend_specific" / "finn_build_dir"
    assert list(build_dir.rglob("top_MVAU_hls_0.cpp"))
    assert list(build_dir.rglob("*.v")) or list(build_dir.rglob("*.sv"))


def test_a_step_is_imported_by_finns_interpreter(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "importable_steps.py").write_text(STEPS.read_text())
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert build(build_steps=["tidy_up", "importable_steps.passes"]).status is BuildStatus.SUCCESS
    with pytest.raises(ConfigurationError, match="No module named 'not_importable'"):
        build(build_steps=["not_importable.passes"])
