"""A stand-in for FINN, small enough to be made in each test, and an index that has it instead of the real one."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from brainsmith_finn_legacy.environments import profiles

STAND_IN_VERSION = "0.0.1"

# As little of FINN+ and QONNX as can be described; STAND_IN_GATE stops its import where a test wants it to.
STAND_IN: Mapping[str, str] = {
    "finn/__init__.py": "",
    "finn/interface/__init__.py": "",
    "finn/xsi/__init__.py": """
        _LAZY_NAMES = frozenset({"SimEngine"})
        def __getattr__(name):
            raise OSError("XILINX_VIVADO environment variable not set")
    """,
    "finn/util/__init__.py": "",
    "finn/util/basic.py": """
        pynq_part_map = {"Pynq-Z1": "xc7z020clg400-1"}
        alveo_part_map = {"U250": "xcu250-figd2104-2L-e"}
        part_map = {**pynq_part_map, **alveo_part_map}
    """,
    "finn/util/settings.py": """
        import os
        made_for = []
        def initialize_dummy_settings():
            made_for.append(os.environ["FINN_BUILD_DIR"])
    """,
    "finn/builder/__init__.py": "",
    "finn/builder/build_dataflow.py": """
        import os, pathlib, time
        import torch.nn.functional as F
        from finn.xsi import SimEngine
        import finn.builder.build_dataflow_config
        import finn.builder.build_dataflow_steps
        import finn.util.settings
        gate = os.environ.get("STAND_IN_GATE")
        if gate:
            pathlib.Path(gate, "reached").touch()
            while not pathlib.Path(gate, "open").exists():
                time.sleep(0.01)
    """,
    "finn/builder/build_dataflow_config.py": """
        from dataclasses import dataclass, field
        from enum import Enum
        from pathlib import Path
        from typing import Any, Dict, List, Literal, Optional
        class DataflowOutputType(str, Enum):
            ESTIMATE_REPORTS = "estimate_reports"
            STITCHED_IP = "stitched_ip"
        class VerificationStepType(str, Enum):
            QONNX_TO_FINN_PYTHON = "finn_onnx_python"
        default_build_dataflow_steps = ["step_tidy_up", "step_estimate", "step_synthesise"]
        estimate_only_dataflow_steps = ["step_tidy_up", "step_estimate"]
        @dataclass
        class DataflowBuildConfig:
            output_dir: str
            synth_clk_period_ns: float = 10.0
            generate_outputs: List[DataflowOutputType] = field(default_factory=lambda: list(DataflowOutputType))
            target_fps: Optional[int] = None
            folding_config_file: Optional[Path] = Path("folding.json")
            power: Literal["timing", "functional"] = "timing"
            verify_steps: Optional[List[VerificationStepType]] = None
            steps: Optional[List[Any]] = None
            inject_steps_after: Optional[Dict[str, List[Any]]] = None
            odd: Any = object()
    """,
    "finn/builder/build_dataflow_steps.py": """
        def step_tidy_up(model, cfg):
            '''Tidy up. Then more.'''
        def step_estimate(model, cfg):
            '''Estimate
            over two lines.'''
        def step_synthesise(model, cfg):
            pass
        def step_extra(model, cfg):
            pass
        build_dataflow_step_lookup = {
            "step_tidy_up": step_tidy_up,
            "step_estimate": step_estimate,
            "step_synthesise": step_synthesise,
            "step_extra": step_extra,
        }
    """,
    "finn/custom_op/__init__.py": "",
    "finn/custom_op/fpgadataflow/__init__.py": "",
    "finn/custom_op/fpgadataflow/hls/__init__.py": "custom_op = {'MVAU_hls': 1, 'Pool_hls': 2}",
    "finn/custom_op/fpgadataflow/rtl/__init__.py": "custom_op = {'MVAU_rtl': 1, 'other': 2}",
    "finn/transformation/__init__.py": "",
    "finn/transformation/streamline.py": """
        from qonnx.transformation.base import Transformation
        class Streamline(Transformation):
            '''Streamline a model.'''
            def apply(self, model): ...
        class Fold(Streamline):
            def __init__(self, required, keyword: int = 3, function=len, marker=object(), *args, **kwargs): ...
        alias = Streamline
    """,
    "finn/transformation/broken.py": "import a_package_that_nobody_has",
    "finn/transformation/leaves.py": "raise SystemExit('no licence')",
    "qonnx/__init__.py": "",
    "qonnx/transformation/__init__.py": "",
    "qonnx/transformation/base.py": """
        from abc import ABC, abstractmethod
        class Transformation(ABC):
            @abstractmethod
            def apply(self, model): ...
        class NodeLocalTransformation(Transformation):
            @abstractmethod
            def applyNodeLocal(self, node): ...
            def apply(self, model): ...
    """,
    "qonnx/transformation/general.py": """
        from qonnx.transformation.base import Transformation
        class SortGraph(Transformation):
            '''Sort.'''
            def apply(self, model): ...
    """,
}


def write_sources(folder: Path, changes: Mapping[str, str | None] | None = None) -> None:
    """Write the stand-in's packages below `folder`; `changes` replaces files, None leaves one out."""
    for name, text in {**STAND_IN, **(changes or {})}.items():
        if text is not None:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.fixture
def make_checkout(tmp_path: Path) -> Callable[..., Path]:
    """Make source trees laid out like FINN's own repository: the stand-in, with files replaced or left out."""

    def make(name: str = "finn", changes: Mapping[str, str | None] | None = None) -> Path:
        write_sources(tmp_path / name / "src", changes)
        return tmp_path / name

    return make


def _wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    info = f"{name}-{version}.dist-info"
    contents = {file: textwrap.dedent(text) for file, text in files.items()}
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{file},,\n" for file in [*contents, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**contents, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return path


@attrs.frozen
class StandInIndex:
    """Wheels of the stand-in, and what a lock file says of them."""

    wheels: Path
    lock: str

    def find_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make pip, and so uv, find nothing but these wheels."""
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(self.wheels))


@pytest.fixture(scope="session")
def stand_in_index(tmp_path_factory: pytest.TempPathFactory) -> StandInIndex:
    """A folder of wheels: the stand-in for FINN+ and that for QONNX."""
    folder = tmp_path_factory.mktemp("stand-in-index")
    wheels = [
        _wheel(folder, "finn_plus", STAND_IN_VERSION, {k: v for k, v in STAND_IN.items() if k.startswith("finn/")}),
        _wheel(folder, "qonnx", "9.9", {k: v for k, v in STAND_IN.items() if k.startswith("qonnx/")}),
    ]
    pins = zip(("finn-plus==0.0.1", "qonnx==9.9"), wheels, strict=True)
    lines = [f"{pin} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n" for pin, wheel in pins]
    return StandInIndex(wheels=folder, lock="".join(lines))


def stand_in_profile() -> profiles.Profile:
    """What the stand-in can be installed as."""
    return profiles.Profile(
        version=STAND_IN_VERSION, profile="small", requirements=(), pythons=(sys.version_info[:2],), megabytes=1
    )


@pytest.fixture
def stand_in_profiles(monkeypatch: pytest.MonkeyPatch, stand_in_index: StandInIndex) -> StandInIndex:
    """Nothing but the stand-in can be installed, from its index."""
    monkeypatch.setattr(profiles, "PROFILES", (stand_in_profile(),))
    monkeypatch.setattr(profiles.Profile, "lock", lambda _: stand_in_index.lock)
    stand_in_index.find_links(monkeypatch)
    return stand_in_index


@pytest.fixture(autouse=True)
def finn_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for FINN environments that is the test's own."""
    for name in ("BRAINSMITH_FINN", "FINN_ROOT", "BRAINSMITH_FINN_PYTHON", "XDG_DATA_HOME", "XILINX_VIVADO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BRAINSMITH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "finn"


class SlowIndex:
    """A package index over HTTP that holds back a wheel until it is told to let it go."""

    def __init__(self, index: StandInIndex) -> None:
        self.asked = threading.Event()
        self.open = threading.Event()
        slow = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/simple/"):
                    self._page(self.path.strip("/").rpartition("/")[2].replace("-", "_"))
                    return
                slow.asked.set()
                slow.open.wait(60)
                self._send(index.wheels.joinpath(self.path.strip("/")).read_bytes(), "application/octet-stream")

            def _page(self, name: str) -> None:
                links = [f'<a href="/{each.name}">{each.name}</a>' for each in index.wheels.glob(f"{name}-*.whl")]
                self._send("".join(["<!DOCTYPE html><html><body>", *links, "</body></html>"]).encode(), "text/html")

            def _send(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

            def handle(self) -> None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the installer was killed
                    super().handle()

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def slow_index(stand_in_index: StandInIndex) -> Iterator[SlowIndex]:
    """The stand-in's index, but slow."""
    index = SlowIndex(stand_in_index)
    yield index
    index.close()


@pytest.fixture
def stand_in_program(tmp_path: Path, stand_in_index: StandInIndex) -> Path:
    """A program that is our command line, but for what can be installed."""
    program = tmp_path / "brainsmith_with_stand_in.py"
    program.write_text(
        textwrap.dedent(f"""
            import sys
            from brainsmith_finn_legacy.environments import profiles
            profiles.PROFILES = (profiles.Profile(
                version="{STAND_IN_VERSION}", profile="small", requirements=(), megabytes=1,
                pythons=(sys.version_info[:2],),
            ),)
            profiles.Profile.lock = lambda self: {json.dumps(stand_in_index.lock)}
            from brainsmith_core.cli.main import run
            run()
        """),
        encoding="utf-8",
    )
    return program
