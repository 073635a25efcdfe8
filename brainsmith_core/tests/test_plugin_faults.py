"""The fault matrix: each fault of a plugin against each kind of command, as a user meets them."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from brainsmith_core.cli import main as shell
from brainsmith_core.plugins.choices import DISABLE_VARIABLE

MODEL_BYTES = b"\x08\x0a\x12\x07pytorch:\x00\x00"

HEAD = """
from brainsmith_core.config import OutputStage
from brainsmith_core.context import BackendOutcome
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import BackendSpec, CommandSpec, Device, MetricParserSpec, StepSpec

STAGES = (OutputStage.DATAFLOW_GRAPH,)

class Backend:
    def build(self, context):
        return BackendOutcome()
"""

BACKEND = (
    HEAD
    + """
@hookimpl
def brainsmith_backends():
    yield BackendSpec(name="{name}", summary="s", target=__name__ + ":Backend", output_stages=STAGES)
"""
)

PLAIN_BACKEND = "class Backend:\n    def build(self, context):\n        return BackendOutcome()\n"

WANTED = BACKEND.format(name="wanted")

HEAVY = WANTED.replace("__name__", '"heavy"')

STEP = (
    HEAD
    + """
@hookimpl
def brainsmith_postprocessing_steps():
    yield StepSpec(name="wanted_step", summary="s", target=__name__ + ":Backend")
"""
)


@attrs.frozen(kw_only=True)
class Fault:
    """A fault, how it is shown, and what a build that needs the plugin says.

    Args:
        code: the plugin's module.
        state: its state.
        told: what the listing and the other commands say; "" if there is nothing wrong with the plugin.
        refused: what a build that needs it says; else as `told`. None: that build works.
        needs: the backend that is asked for.
        code_of_need: exit code of the build that needs it.
        files: further metadata files of the distribution.
        twin: code of a second plugin, of another distribution.
        twin_name: the second plugin's name.
        step: the postprocessing step that the build asks for.
        modules: further modules of the distribution.
    """

    code: str = WANTED
    state: str = "failed"
    told: str = ""
    refused: str | None = ""
    needs: str = "wanted"
    code_of_need: int = 3
    files: dict[str, str] = attrs.field(factory=dict)
    twin: str = ""
    twin_name: str = "twin"
    step: str = ""
    modules: dict[str, str] = attrs.field(factory=dict)


def metadata_with(requires: str) -> dict[str, str]:
    return {"METADATA": f"Metadata-Version: 2.1\nName: faulty-dist\nVersion: 1.0\nRequires-Dist: {requires}\n"}


FAULTS = {
    "import error": Fault(code="from os import no_such_name", told="cannot import name 'no_such_name'"),
    "missing dependency": Fault(
        code="import no_such_package_anywhere", told="fix: pip install no-such-package-anywhere"
    ),
    "missing dependency of another name": Fault(
        code="import no_such_module",
        files=metadata_with("the-distribution>=2"),
        told='fix: pip install "the-distribution>=2"',
    ),
    "SystemExit": Fault(code="raise SystemExit('bye')", told="SystemExit: bye"),
    "KeyboardInterrupt": Fault(code="raise KeyboardInterrupt", told="KeyboardInterrupt"),
    "odd exception": Fault(code="class Odd(BaseException): pass\nraise Odd('odd')", told="Odd: odd"),
    "syntax error": Fault(code="def broken(:\n", told="SyntaxError"),
    "output at import": Fault(code="print('noise')\n" + WANTED, state="active", refused=None),
    "slow import": Fault(
        code="import time\ntime.sleep(0.6)\n" + WANTED, state="active", told="its import is slow: 0.", refused=None
    ),
    "unknown hook": Fault(
        code=HEAD + "@hookimpl\ndef brainsmith_backend():\n    return []\n",
        state="unknown-hook",
        told='did you mean "brainsmith_backends"?',
    ),
    "two unknown hooks": Fault(
        code=HEAD + "@hookimpl\ndef brainsmith_backend(): pass\n@hookimpl\ndef brainsmith_device(): pass\n",
        state="unknown-hook",
        told='brainsmith_device, did you mean "brainsmith_devices"?',
    ),
    "missing marker": Fault(
        code=HEAD + "def brainsmith_backends():\n    return []\n", told="fix: put @hookimpl above brainsmith_backends"
    ),
    "no hook": Fault(code="VALUE = 1", told="it implements no hook"),
    "wrong argument name": Fault(
        code=WANTED + "@hookimpl\ndef brainsmith_build_event(evnt): pass\n",
        told='takes the argument evnt, which the hook doesn\'t give; did you mean "event"?',
    ),
    "argument of a hook without any": Fault(
        code=HEAD + "@hookimpl\ndef brainsmith_backends(config): pass\n", told="but the hook gives none"
    ),
    "wrapper": Fault(
        code=HEAD + "@hookimpl(wrapper=True)\ndef brainsmith_backends():\n    return (yield)\n", told="wraps"
    ),
    "async hook": Fault(code=HEAD + "@hookimpl\nasync def brainsmith_backends(): return []\n", told="is async"),
    "hook raises": Fault(
        code=WANTED + "@hookimpl\ndef brainsmith_devices():\n    raise OSError('no devices')\n",
        told="brainsmith_devices raised OSError: no devices",
    ),
    "hook exits": Fault(
        code=WANTED + "@hookimpl\ndef brainsmith_commands():\n    raise SystemExit(0)\n",
        told="brainsmith_commands raised SystemExit: 0",
    ),
    "hook raises half-way": Fault(code=WANTED + "    raise OSError('half-way')\n", told="OSError: half-way"),
    "generator without an end": Fault(
        code=WANTED
        + "@hookimpl\ndef brainsmith_commands():\n    while True:\n"
        + "        yield CommandSpec(name='x', summary='s', target=__name__ + ':Backend')\n",
        told="brainsmith_commands yields more than 10,000 records",
    ),
    "error that can't be told": Fault(
        code="class Odd(Exception):\n    def __str__(self): raise OSError('s')\nraise Odd\n",
        told="Odd: (its message can't be made: OSError)",
    ),
    "message that can't be written": Fault(
        code="raise ValueError('bad \\udcff \\x1b[31m')\n", told="ValueError: bad \\udcff \\x1b[31m"
    ),
    "stdout closed at import": Fault(code=WANTED + "import sys\nsys.stdout.close()\n", state="active", refused=None),
    "working folder changed at import": Fault(
        code=WANTED + "import os\nos.chdir('/')\n",
        state="active",
        refused=None,
    ),
    "hook returns no records": Fault(
        code=HEAD + "@hookimpl\ndef brainsmith_backends():\n    return 42\n", told="brainsmith_backends returned 42"
    ),
    "record of the wrong type": Fault(
        code=WANTED + "@hookimpl\ndef brainsmith_commands():\n    return [42]\n",
        told="brainsmith_commands yields 42, which is no CommandSpec",
    ),
    "record without a target": Fault(
        code=WANTED + "@hookimpl\ndef brainsmith_commands():\n    yield CommandSpec(name='x', summary='s')\n",
        told="missing 1 required keyword-only argument: 'target'",
    ),
    "record with a target that is none": Fault(
        code=WANTED
        + "@hookimpl\ndef brainsmith_commands():\n    yield CommandSpec(name='x', summary='s', target='x')\n",
        told='must read "package.module:attribute"',
    ),
    "one name twice in one plugin": Fault(code=WANTED + WANTED.splitlines()[-1], told='yields "wanted" twice'),
    "target whose module isn't there": Fault(
        code=WANTED.replace("__name__", '"no_such_package_anywhere"'), told="no module no_such_package_anywhere"
    ),
    "target whose dependency isn't there": Fault(
        code=HEAVY,
        modules={"heavy": "import attrs\nimport no_such_package_anywhere\nclass Backend: pass\n"},
        told="fix: pip install no-such-package-anywhere",
    ),
    "target whose dependency has another name": Fault(
        code=HEAVY,
        modules={"heavy": "from no_such_module.part import thing\nclass Backend: pass\n"},
        files=metadata_with("the-distribution>=2"),
        told='fix: pip install "the-distribution>=2"',
    ),
    "target that is no Python": Fault(code=HEAVY, modules={"heavy": "def broken(:\n"}, told="it is no Python: "),
    "target that raises for certain": Fault(
        code=HEAVY, modules={"heavy": "raise RuntimeError('boom')\n"}, told="it raises RuntimeError('boom'), line 1"
    ),
    "target that raises": Fault(
        code=HEAVY,
        modules={"heavy": "class Backend: pass\n1 // 0\n"},
        state="active",
        refused=":Backend failed: ZeroDivisionError",
    ),
    "target without the attribute": Fault(
        code=HEAVY, modules={"heavy": "class Bakend: pass\n"}, told="there is no Backend in heavy"
    ),
    "target in the plugin's module without the attribute": Fault(
        code=WANTED.replace(":Backend", ":Bakend"), told="there is no Bakend in faulty_dist"
    ),
    "step whose code can't be imported": Fault(
        code=STEP.replace("__name__", '"heavy"'),
        modules={"heavy": "class Backend: pass\n1 // 0\n"},
        state="active",
        refused="wanted_step of plugin faulty (faulty-dist 1.0) can't be loaded: importing heavy_",
        needs="plain",
        step="wanted_step",
    ),
    "step that can't be called": Fault(
        code=STEP.replace(":Backend", ":STAGES"),
        state="active",
        refused="STAGES can't be called",
        needs="plain",
        step="wanted_step",
    ),
    "backend that can't be made": Fault(
        code=WANTED.replace(":Backend", ":Broken")
        + "class Broken:\n    def __init__(self): raise OSError('no tool')\n",
        state="active",
        refused="can't be made: OSError: no tool",
    ),
    "two plugins with one backend name": Fault(
        state="active",
        twin=WANTED,
        told='the backend "wanted" is offered by faulty (faulty-dist 1.0) and twin (twin-dist 1.0)',
        refused='prefer.backend.wanted = "faulty" or "twin"',
        code_of_need=2,
    ),
    "two plugins with one step name": Fault(
        code=STEP,
        state="active",
        twin=STEP,
        told='the postprocessing step "wanted_step" is offered by faulty (faulty-dist 1.0) and twin (twin-dist 1.0)',
        needs="plain",
        step="wanted_step",
        refused="say which you mean",
        code_of_need=2,
    ),
    "two distributions with one plugin name": Fault(
        state="active",
        twin=BACKEND.format(name="other"),
        twin_name="faulty",
        told="faulty-dist brings a plugin of the same name",
        refused="no active plugin offers",
        needs="other",
    ),
    "one module as two plugins": Fault(
        state="active", twin="SAME", told="it is the same module as plugin faulty", refused=None
    ),
    "newer API": Fault(
        code="BRAINSMITH_API = 99\n" + WANTED,
        state="incompatible",
        told="is written for plugin API 99, but this is API",
    ),
    "older API": Fault(code="BRAINSMITH_API = 0\n" + WANTED, state="incompatible", told="is written for plugin API 0"),
    "API that is no number": Fault(code="BRAINSMITH_API = '1'\n" + WANTED, told="BRAINSMITH_API is '1'"),
    "requirement on a newer core": Fault(
        files=metadata_with("brainsmith-core>=999"),
        state="incompatible",
        told="needs brainsmith-core>=999, but brainsmith-core",
    ),
    "requirement that nobody can read": Fault(
        files=metadata_with("brainsmith-core ~> 1"), told='the requirement "brainsmith-core ~> 1" can\'t be read'
    ),
    "metadata without a version": Fault(files={"METADATA": "Name: faulty-dist\n"}, told="its metadata has no Version"),
    "metadata that is empty": Fault(files={"METADATA": ""}, told="its metadata has no Name"),
    "entry point that is none": Fault(
        files={"entry_points.txt": "[brainsmith.plugins]\nfaulty = what is this?\n"},
        told='its entry point names "what is this?"',
    ),
    "entry point whose module isn't there": Fault(
        files={"entry_points.txt": "[brainsmith.plugins]\nfaulty = no_such_package_anywhere.plugin\n"},
        told="No module named 'no_such_package_anywhere'",
    ),
    "entry point whose attribute isn't there": Fault(
        files={"entry_points.txt": "[brainsmith.plugins]\nfaulty = os:no_such_attribute\n"},
        told="has no attribute 'no_such_attribute'",
    ),
    "plugin of the older Brainsmith": Fault(
        code="def register_all():\n    return {'kernels': [], 'backends': [], 'steps': []}\n",
        files={"entry_points.txt": "[brainsmith.plugins]\nfaulty = {module}:register_all\n"},
        state="incompatible",
        told="its entry point names the function register_all",
    ),
    "class instead of an object": Fault(
        code=HEAD + "class Plugin:\n    @hookimpl\n    def brainsmith_backends(self): return []\n",
        files={"entry_points.txt": "[brainsmith.plugins]\nfaulty = {module}:Plugin\n"},
        told="names the class Plugin",
    ),
}

Call = Callable[..., tuple[int, str, str]]


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.suffix = f"{abs(hash(str(folder))):x}"

    def install(self, name: str, code: str, files: dict[str, str] | None = None, distribution: str = "") -> None:
        distribution = distribution or f"{name}-dist"
        module = f"{distribution.replace('-', '_')}_{self.suffix}"
        if code == "SAME":
            module = f"faulty_dist_{self.suffix}"
        else:
            (self.folder / f"{module}.py").write_text(code.replace('"heavy"', f'"heavy_{self.suffix}"'))
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        written = {
            "METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n",
            "entry_points.txt": f"[brainsmith.plugins]\n{name} = {module}\n",
        } | (files or {})
        for file, text in written.items():
            (info / file).write_text(text.replace("{module}", module))
        importlib.invalidate_caches()

    def add_modules(self, modules: dict[str, str]) -> None:
        for name, code in modules.items():
            (self.folder / f"{name}_{self.suffix}.py").write_text(code)

    def forget(self) -> None:
        for module in [name for name in sys.modules if name.endswith(self.suffix)]:
            del sys.modules[module]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    made = Site(folder)
    made.install("plain", BACKEND.format(name="plain"))
    yield made
    made.forget()


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], site: Site) -> Call:
    """Run the command line as a new process would: no plugin is imported yet."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        site.forget()
        with pytest.raises(SystemExit) as caught:
            shell.run([str(each) for each in arguments])
        out, err = capfd.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, out, err

    return run


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, site: Site) -> Fault:
    found = FAULTS[request.param]
    site.add_modules(found.modules)
    site.install("faulty", found.code, found.files)
    if found.twin:
        site.install(found.twin_name, found.twin, distribution="twin-dist")
    return found


def build_file(folder: Path, step: str = "") -> Path:
    (folder / "model.onnx").write_bytes(MODEL_BYTES)
    path = folder / "point.json"
    steps = {"postprocessing": [{"name": step, "type": "postprocessing"}]} if step else {}
    path.write_text(json.dumps({"model_path": "model.onnx", "output_dir": "out", **steps}))
    return path


def check_told(text: str, fault: Fault) -> None:
    """Check that the plugin is named with the reason, in at most three lines."""
    if fault.told:
        assert fault.told in text
        assert "faulty" in text
    assert "Traceback" not in text
    told, ours = [], False
    for line in text.splitlines():
        ours = "faulty" in line or "twin" in line or (ours and line.startswith("  "))
        told += [line] * ours
    assert len(told) <= 3 * (1 + bool(fault.twin))


def test_a_list_shows_the_fault_with_reason_and_fix(fault: Fault, call: Call) -> None:
    code, out, err = call("plugins", "list")
    assert code == 0
    check_told(out, fault)
    assert "Traceback" not in err
    (row, *_) = [line for line in out.splitlines() if line.startswith("faulty")]
    assert row.split()[1] == fault.state


def test_a_list_as_json_stays_one_document(fault: Fault, call: Call) -> None:
    code, out, _ = call("plugins", "list", "--json")
    assert code == 0
    plugins = {plugin["name"]: plugin for plugin in reversed(json.loads(out)["plugins"])}
    assert plugins["faulty"]["state"] == fault.state
    assert (fault.state == "active") == (not plugins["faulty"]["reason"])
    assert plugins["plain"]["state"] == "active"


def test_help_works_and_names_the_plugin(fault: Fault, call: Call) -> None:
    code, out, err = call("--help")
    assert code == 0
    assert "Exit codes" in out
    assert "faulty" not in out
    if fault.state != "active":
        assert "faulty" in err
        check_told(err, fault)


def test_a_build_that_does_not_need_the_plugin_works(fault: Fault, call: Call, tmp_path: Path) -> None:
    code, out, err = call("run", build_file(tmp_path), "--backend", "plain", "--json")
    assert code == 0, err
    assert json.loads(out)["status"] == "success"
    if fault.state != "active":
        (line,) = [line for line in err.splitlines() if line.startswith("plugin faulty (")]
        assert f") is {fault.state}: " in line
    assert "Traceback" not in err


def test_a_build_that_needs_the_plugin_stops_with_the_reason(fault: Fault, call: Call, tmp_path: Path) -> None:
    code, out, err = call("run", build_file(tmp_path, fault.step), "--backend", fault.needs, "--json")
    if fault.refused is None:
        assert code == 0, err
        assert json.loads(out)["status"] == "success"
        return
    assert code == fault.code_of_need
    assert (fault.refused or fault.told.removeprefix("fix: ")) in err
    assert not (tmp_path / "out").exists()
    assert json.loads(out)["error"]["message"]
    assert "Traceback" not in err


def test_show_and_check_tell_of_it(fault: Fault, call: Call) -> None:
    code, out, _ = call("plugins", "show", "faulty")
    assert code == 0
    assert f"faulty: {fault.state}" in out
    code, out, _ = call("plugins", "check")
    healthy = (not fault.told and fault.refused is None) or fault.told.startswith("its import is slow")
    assert code == (0 if healthy else 1)
    if not healthy:
        assert "faulty" in out
        assert "fix: " in out
    assert call("doctor")[0] in (0, 3)


RAISING = FAULTS["target that raises"]


def test_what_failed_in_a_build_is_told_by_every_command_until_it_is_mended(
    site: Site, call: Call, tmp_path: Path
) -> None:
    site.add_modules(RAISING.modules)
    site.install("faulty", RAISING.code)
    assert "when last tried" not in call("plugins", "list")[1]
    needing = ("run", build_file(tmp_path), "--backend", "wanted")
    assert call(*needing)[0] == 3
    for arguments in (("plugins", "list"), ("--help",), ("run", build_file(tmp_path), "--backend", "plain")):
        code, out, err = call(*arguments)
        assert code == 0
        (line,) = [line for line in (out + err).splitlines() if "when last tried" in line]
        assert "the backend wanted of plugin faulty (faulty-dist 1.0) can't be loaded" in line
        assert "ZeroDivisionError" in line
    assert (
        json.loads(call("plugins", "show", "faulty", "--json")[1])["broken"][0]["fix"] == "mend or remove faulty-dist"
    )
    assert "when last tried" in call("plugins", "show", "faulty")[1]
    assert call("plugins", "check")[0] == 1
    site.add_modules({"heavy": "from brainsmith_core.context import BackendOutcome\n" + PLAIN_BACKEND})
    assert "when last tried" not in call("plugins", "list")[1]
    assert call(*needing, "--output", tmp_path / "again")[0] == 0


def test_a_failure_that_went_away_is_forgotten(site: Site, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os\nclass Backend: pass\nif 'BROKEN_NOW' in os.environ: raise OSError('no licence')\n"
    site.add_modules({"heavy": code})
    site.install("faulty", RAISING.code)
    monkeypatch.setenv("BROKEN_NOW", "1")
    assert call("plugins", "check")[0] == 1
    assert "when last tried" in call("plugins", "list")[1]
    monkeypatch.delenv("BROKEN_NOW")
    call("plugins", "check")
    assert "when last tried" not in call("plugins", "list")[1]


def test_what_a_target_imports_in_its_own_package_counts_too(site: Site, call: Call) -> None:
    package = site.folder / f"deep_{site.suffix}"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "backend.py").write_text("from .inner import tool\nfrom . import backend\nclass Backend: pass\n")
    (package / "inner" / "__init__.py").write_text("from __future__ import annotations\n")
    tool = "try:\n    import no_such_one\nexcept ImportError:\n    pass\nimport no_such_other\n"
    (package / "inner" / "tool.py").write_text(tool)
    site.install("faulty", WANTED.replace("__name__", f'"{package.name}.backend"'))
    code, out, _ = call("plugins", "list")
    assert code == 0
    assert f"there is no module no_such_other ({package.name}.inner.tool, line 5)" in out
    assert "fix: pip install no-such-other" in out


@pytest.mark.parametrize(
    "code",
    [
        "from json import *\n",
        "def __getattr__(name): return 1\n",
        "globals()['Backend'] = int\n",
        "for Backend in (int,): pass\n",
        "if True:\n    class Backend: pass\n",
        "import attrs as Backend\n",
        "if False:\n    import no_such_package_anywhere\nBackend = int\n",
        "def later():\n    import no_such_package_anywhere\nBackend = int\n",
        "import xml.etree.ElementTree\nfrom brainsmith_core import hookimpl as Backend\n",
    ],
)
def test_what_may_work_is_not_refused(site: Site, call: Call, code: str) -> None:
    site.add_modules({"heavy": code})
    site.install("faulty", HEAVY)
    (row,) = [line for line in call("plugins", "list")[1].splitlines() if line.startswith("faulty")]
    assert row.split()[1] == "active"
