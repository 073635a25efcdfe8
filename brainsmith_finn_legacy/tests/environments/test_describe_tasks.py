from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.errors import MissingRequirementError
from brainsmith_finn_legacy.environments.inspection import inspect_finn
from brainsmith_finn_legacy.environments.records import ConfigField, Step, TransformationParameter

MakeCheckout = Callable[..., Path]
PYTHON = Path(sys.executable)
CONFIG = "finn/builder/build_dataflow_config.py"


def test_finn_is_described_by_its_own_modules(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout()
    facts = inspect_finn(PYTHON, checkout)
    description = facts.description
    assert (facts.flavour, facts.version, facts.xsi) == ("finn-plus", "1.6", False)
    assert description.default_steps == ("step_tidy_up", "step_estimate", "step_synthesise")
    assert description.estimate_steps == ("step_tidy_up", "step_estimate")
    assert description.steps == (
        Step(name="step_tidy_up", summary="Tidy up."),
        Step(name="step_estimate", summary="Estimate over two lines."),
        Step(name="step_synthesise"),
        Step(name="step_extra"),
    )
    assert description.flows == {
        "default": ("step_tidy_up", "step_estimate", "step_synthesise"),
        "estimate_only": ("step_tidy_up", "step_estimate"),
    }
    assert description.kernels == {"MVAU": ("hls", "rtl"), "Pool": ("hls",)}
    assert description.alveo_boards == ("U250",)
    assert description.boards == {"Pynq-Z1": "xc7z020clg400-1", "U250": "xcu250-figd2104-2L-e"}
    assert description.output_types == ("estimate_reports", "stitched_ip")
    assert description.verify_steps == ("finn_onnx_python",)
    assert description.finn_folder == str(checkout / "src" / "finn")
    assert description.python_version == sys.version.split()[0]


def test_fields_carry_type_default_and_choices(make_checkout: MakeCheckout) -> None:
    description = inspect_finn(PYTHON, make_checkout()).description
    outputs = ("estimate_reports", "stitched_ip")
    assert description.field("output_dir") == ConfigField(name="output_dir", type="str", required=True)
    assert description.field("synth_clk_period_ns") == ConfigField(
        name="synth_clk_period_ns", type="float", default=10.0
    )
    assert description.field("generate_outputs") == ConfigField(
        name="generate_outputs",
        type="List[DataflowOutputType]",
        default=list(outputs),
        choices=outputs,
        many=True,
    )
    assert description.field("folding_config_file") == ConfigField(
        name="folding_config_file", type="Optional[Path]", default="folding.json", optional=True
    )
    assert description.field("power") == ConfigField(
        name="power",
        type="Literal['timing', 'functional']",
        default="timing",
        choices=("timing", "functional"),
    )
    odd = description.field("odd")
    assert odd is not None
    assert (odd.default, odd.required) == (None, False)
    assert description.field("absent") is None


def test_transformations_are_those_that_can_be_imported(make_checkout: MakeCheckout) -> None:
    seen: list[str] = []
    description = inspect_finn(PYTHON, make_checkout(), seen.append).description
    assert [each.name for each in description.transformations] == [
        "finn.transformation.streamline.Fold",
        "finn.transformation.streamline.Streamline",
        "qonnx.transformation.general.SortGraph",
    ]
    fold, streamline = description.transformations[:2]
    assert streamline.summary == "Streamline a model."
    assert fold.parameters == (
        TransformationParameter(name="required", required=True),
        TransformationParameter(name="keyword", default="3"),
        TransformationParameter(name="function", default="builtins.len"),
        TransformationParameter(name="marker", default="<object>"),
        TransformationParameter(name="*args"),
        TransformationParameter(name="**kwargs"),
    )
    assert [(each.module, each.reason) for each in description.unimportable] == [
        ("finn.transformation.broken", "ModuleNotFoundError: No module named 'a_package_that_nobody_has'"),
        ("finn.transformation.leaves", "SystemExit: no licence"),
    ]
    assert "finn.transformation.streamline" in seen


@pytest.mark.parametrize(
    ("fields", "release"),
    [
        ("fifo_config_file: int = 0", "1.5"),
        ("config_path: int = 0", "1.4"),
        ("enable_exception_snapshots: int = 0", "1.3"),
        ("live_fifo_sizing: int = 0", "1.1"),
        ("console_log_level: int = 0", "1.0"),
    ],
)
def test_a_finn_plus_checkout_is_told_by_its_fields(make_checkout: MakeCheckout, fields: str, release: str) -> None:
    assert inspect_finn(PYTHON, make_checkout(changes={CONFIG: config(fields)})).version == release


@pytest.mark.parametrize(
    ("fields", "more", "steps", "release"),
    [
        ("x: int = 0", "", "step_a", "0.8"),
        ("x: int = 0", "class AutoFIFOSizingMethod: pass\nclass ComputeEngineMemMode: pass", "step_a", "0.9"),
        ("x: int = 0", "class AutoFIFOSizingMethod: pass", "step_a", "0.10"),
        ("mlo: int = 0", "class AutoFIFOSizingMethod: pass", "step_a", "dev"),
        ("mlo: int = 0", "class AutoFIFOSizingMethod: pass", "phase_a", "next"),
    ],
)
def test_a_finn_checkout_is_told_by_its_fields(
    make_checkout: MakeCheckout, fields: str, more: str, steps: str, release: str
) -> None:
    changes = {
        "finn/__init__.py": None,
        "finn/interface/__init__.py": None,
        "finn/xsi/__init__.py": None,
        "finn/builder/build_dataflow.py": "",
        "finn/custom_op/fpgadataflow/rtl/__init__.py": None,
        CONFIG: config(fields, more, steps),
    }
    facts = inspect_finn(PYTHON, make_checkout(changes=changes))
    assert (facts.flavour, facts.version) == ("finn", release)
    assert facts.description.output_types == ()
    assert facts.description.kernels == {"MVAU": ("hls",), "Pool": ("hls",)}


def config(fields: str, more: str = "", step: str = "step_a") -> str:
    """A configuration module with little in it."""
    return "\n".join(
        (
            "from dataclasses import dataclass",
            more,
            f"def {step}(model, cfg): pass",
            f"default_build_dataflow_steps = [{step}]",
            f"estimate_only_dataflow_steps = ['{step}']",
            "@dataclass",
            "class DataflowBuildConfig:",
            f"    {fields}",
        )
    )


def test_git_tells_the_version_of_a_checkout(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout()
    git(checkout, "init", "--quiet")
    assert inspect_finn(PYTHON, checkout).version == "1.6"
    git(checkout, "add", ".")
    git(checkout, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")
    commit = git(checkout, "rev-parse", "--short", "HEAD")
    assert inspect_finn(PYTHON, checkout).version == f"1.6-g{commit}"
    git(checkout, "tag", "v0.10.1")
    assert inspect_finn(PYTHON, checkout).version == "0.10.1"


def git(folder: Path, *words: str) -> str:
    """Run git."""
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def python_with(tmp_path: Path) -> Callable[..., Path]:
    """Make a Python that imports FINN from a folder, and finds distributions in another one."""

    def make(sources: Path, site: Path) -> Path:
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH={sources}:{site} exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        return python

    return make


def distribution(site: Path, origin: str | None = None) -> None:
    """Install what says that FINN+ 1.5.9 is there, but none of its files."""
    info = site / "finn_plus-1.5.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: finn-plus\nVersion: 1.5.9\n")
    if origin is not None:
        (info / "direct_url.json").write_text(f'{{"url": "{origin}", "dir_info": {{"editable": true}}}}')


def test_an_editable_installation_has_the_version_of_its_distribution(
    make_checkout: MakeCheckout, python_with: Callable[..., Path], tmp_path: Path
) -> None:
    checkout = make_checkout()
    distribution(tmp_path / "site", checkout.as_uri())
    facts = inspect_finn(python_with(checkout / "src", tmp_path / "site"))
    assert facts.version == "1.5.9"
    assert facts.description.distributions["finn-plus"] == "1.5.9"


@pytest.mark.parametrize("origin", [None, "file:///somewhere/else"])
def test_a_distribution_that_finn_is_not_imported_from_does_not_count(
    make_checkout: MakeCheckout, python_with: Callable[..., Path], tmp_path: Path, origin: str | None
) -> None:
    distribution(tmp_path / "site", origin)
    assert inspect_finn(python_with(make_checkout() / "src", tmp_path / "site")).version == "1.6"


def test_without_git_the_fields_tell_the_version(make_checkout: MakeCheckout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = make_checkout()
    (checkout / ".git").mkdir()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert inspect_finn(PYTHON, checkout).version == "1.6"


def test_a_finn_that_cannot_be_imported_says_why(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout(changes={"finn/builder/build_dataflow.py": "import clize_is_absent"})
    with pytest.raises(MissingRequirementError, match="No module named 'clize_is_absent'") as raised:
        inspect_finn(PYTHON, checkout)
    assert str(checkout) in raised.value.message
    assert "build_dataflow.py" in str(raised.value.hint)


def test_an_import_that_crashes_is_an_error_like_others(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout(changes={"finn/builder/build_dataflow.py": "import os\nos.abort()"})
    with pytest.raises(MissingRequirementError, match="FINN can't be imported"):
        inspect_finn(PYTHON, checkout)


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingRequirementError, match="/nonexistent/python"):
        inspect_finn(Path("/nonexistent/python"))


def test_the_identity_follows_the_sources(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout()
    before = inspect_finn(PYTHON, checkout)
    again = inspect_finn(PYTHON, checkout)
    assert again.identity == before.identity
    assert again.stamp == before.stamp
    steps = checkout / "src" / "finn" / "builder" / "build_dataflow_steps.py"
    steps.write_text(steps.read_text() + "# changed\n")
    after = inspect_finn(PYTHON, checkout)
    assert after.identity != before.identity
    assert after.identity.startswith("finn-plus-1.6-")
