"""The walls between the packages hold; and each check finds what it is there to find."""

from __future__ import annotations

from pathlib import Path

import import_rules
import pytest
from import_rules import Module, all_modules, modules_below, repository_files
from workspace import Workspace

WORKSPACE = Workspace(Path(__file__).resolve().parent.parent)


def none(found: list[str]) -> None:
    """Check that nothing was found, and show all of it otherwise."""
    assert not found, "\n" + "\n".join(line.removeprefix(f"{WORKSPACE.root}/") for line in found)


def package(folder: Path, **files: str) -> list[Module]:
    """Write source files, `package__module` for `package/module.py`, and return the modules."""
    for name, text in files.items():
        path = folder / "src" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")
    return modules_below(folder / "src")


def source(folder: Path, text: str) -> Path:
    path = folder / "sample.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("rule", import_rules.MODULE_RULES, ids=lambda rule: rule.__name__)
def test_all_packages_keep_the_rule(rule: import_rules.Rule) -> None:
    modules = all_modules(WORKSPACE)
    assert len({module.package for module in modules}) >= 2
    none(rule(modules))


def test_every_import_is_a_declared_dependency() -> None:
    none([line for member in WORKSPACE.members() for line in import_rules.undeclared(member)])


def test_every_handler_that_catches_everything_says_why() -> None:
    files = [path for path in repository_files(WORKSPACE.root) if path.suffix == ".py"]
    assert files
    none([line for path in files for line in import_rules.blind_handlers(path)])


def test_every_suppressed_check_says_why() -> None:
    files = [path for path in repository_files(WORKSPACE.root) if path.suffix == ".py"]
    none([line for path in files for line in import_rules.unexplained(path)])


def test_no_file_of_the_repository_names_a_folder_of_the_machine_it_was_written_on() -> None:
    files = repository_files(WORKSPACE.root)
    assert WORKSPACE.lock in files
    none([line for path in files for line in import_rules.machine_paths(path)])


@pytest.mark.parametrize(
    "text",
    [
        "import brainsmith_dse\n",
        "from brainsmith_dse.space import forge\n",
        "def f() -> None:\n    import brainsmith_dse.space\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from brainsmith_dse import forge\n",
        "import importlib\nx = importlib.import_module('brainsmith_dse.space')\n",
        "x = __import__('brainsmith_dse')\n",
    ],
)
def test_core_that_imports_a_plugin_is_found(tmp_path: Path, text: str) -> None:
    modules = package(tmp_path, brainsmith_core__a=text, brainsmith_dse__space="")
    (found,) = import_rules.walls(modules)
    assert "brainsmith_core may not import brainsmith_dse" in found


def test_a_plugin_may_import_core_and_only_some_may_import_orchestration(tmp_path: Path) -> None:
    text = "import brainsmith_core.types\nfrom brainsmith_orchestration import run\n"
    modules = package(
        tmp_path,
        brainsmith_dse__a=text,
        brainsmith_stub__a=text,
        brainsmith_orchestration__b="",
        brainsmith_core__c="",
    )
    (found,) = import_rules.walls(modules)
    assert "brainsmith_stub may not import brainsmith_orchestration" in found


@pytest.mark.parametrize(
    "text",
    [
        "import brainsmith_core._hidden\n",
        "from brainsmith_core import _hidden\n",
        "from brainsmith_core.plugins.manager import _registry\n",
        "def f() -> None:\n    from brainsmith_core._inner.plugins import registry\n",
    ],
)
def test_a_plugin_that_reaches_into_private_parts_is_found(tmp_path: Path, text: str) -> None:
    modules = package(tmp_path, brainsmith_dse__a=text, brainsmith_core__plugins="")
    (found,) = import_rules.private_parts(modules)
    assert "is private to brainsmith_core" in found


def test_private_parts_of_the_same_package_and_dunder_names_are_fine(tmp_path: Path) -> None:
    text = "from brainsmith_dse._inner import _x\nfrom ._inner import _y\nfrom brainsmith_core import __doc__\n"
    assert not import_rules.private_parts(package(tmp_path, brainsmith_dse__a=text, brainsmith_core__b=""))


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\n",
        "from qonnx.core.modelwrapper import ModelWrapper\n",
        "try:\n    import onnx\nexcept ImportError:\n    onnx = None\n",
        "class A:\n    import torch\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import sqlalchemy\n",
    ],
)
def test_a_heavy_import_of_a_light_package_is_found(tmp_path: Path, text: str) -> None:
    (found,) = import_rules.heavy_at_import(package(tmp_path, brainsmith_core__a=text))
    assert "importing brainsmith_core.a imports" in found


def test_a_heavy_import_inside_a_function_or_for_type_checkers_is_fine(tmp_path: Path) -> None:
    text = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\n"
        "def f() -> None:\n    import onnx\nasync def g() -> None:\n    import onnx\n"
    )
    assert not import_rules.heavy_at_import(package(tmp_path, brainsmith_core__a=text))


def test_a_heavy_import_is_found_behind_a_plugin_s_registration(tmp_path: Path) -> None:
    modules = package(
        tmp_path,
        brainsmith_onnx__plugin="from brainsmith_onnx.near import far\n",
        brainsmith_onnx__near="from . import far\n",
        brainsmith_onnx__far="import numpy\n",
        brainsmith_onnx__apart="import onnx\n",
    )
    (found,) = import_rules.heavy_at_import(modules)
    assert "importing brainsmith_onnx.far imports numpy" in found


def test_a_worker_that_imports_more_than_the_standard_library_is_found(tmp_path: Path) -> None:
    modules = package(
        tmp_path,
        brainsmith_core__processes__worker__server="import json\nfrom . import tree\nimport brainsmith_core.errors\n",
        brainsmith_core__processes__worker__tree="def f() -> None:\n    import psutil\n",
        brainsmith_core__processes__worker_client="import attrs\n",
        brainsmith_core__store__files="import cattrs\n",
    )
    found = import_rules.worker_imports(modules)
    assert [line.rpartition("can't import ")[2] for line in found] == ["brainsmith_core.errors", "psutil", "cattrs"]


def test_a_file_for_finn_s_environment_that_imports_ours_is_found(tmp_path: Path) -> None:
    modules = package(
        tmp_path,
        brainsmith_finn_legacy__tasks="from . import fields\ndef f() -> None:\n    import finn\n",
        brainsmith_finn_legacy__fields="import attrs\n",
        brainsmith_finn_legacy__backend="import attrs\n",
    )
    (found,) = import_rules.finn_side_imports(modules)
    assert found.endswith("can't import attrs")
    assert "fields.py" in found


def test_an_import_that_isn_t_declared_is_found(tmp_path: Path) -> None:
    text = "import json\nimport click\nimport yaml\nfrom . import b\nimport brainsmith_core.x\n"
    package(tmp_path, brainsmith_dse__a=text, brainsmith_dse__b="")
    project = '[project]\nname = "brainsmith-dse"\ndependencies = ["pyyaml>=6", "brainsmith-core"]\n'
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    (found,) = import_rules.undeclared(tmp_path)
    assert "a.py:2: click isn't among the dependencies" in found


@pytest.mark.parametrize(
    "handler",
    [
        "except Exception:",
        "except:",
        "except BaseException as error:\n    raise ValueError from error",
        "except (ValueError, BaseException) as error:",
        "except Exception:  # noqa: BLE001",
        "except Exception:  # noqa: BLE001, S110",
    ],
)
def test_a_handler_that_catches_everything_without_a_reason_is_found(tmp_path: Path, handler: str) -> None:
    assert import_rules.blind_handlers(source(tmp_path, f"try:\n    f()\n{handler}\n    pass\n"))


@pytest.mark.parametrize(
    "handler",
    [
        "except Exception:  # noqa: BLE001 - a plugin may raise anything\n    pass",
        "except Exception:  # a plugin may raise anything\n    pass",
        "except Exception:\n    # A plugin may raise anything.\n    pass",
        "except BaseException:\n    undo()\n    raise",
        "except ValueError:\n    pass",
        "except (ValueError, errors.Exception):\n    pass",
    ],
)
def test_a_handler_with_a_reason_or_a_narrow_one_is_fine(tmp_path: Path, handler: str) -> None:
    assert not import_rules.blind_handlers(source(tmp_path, f"try:\n    f()\n{handler}\n"))


@pytest.mark.parametrize(
    "comment", ["noqa", "noqa: E501", "noqa:E501,F401", "type: ignore[attr-defined]", "pragma: no cover"]
)
def test_a_suppression_without_a_reason_is_found(tmp_path: Path, comment: str) -> None:
    assert import_rules.unexplained(source(tmp_path, f"x = 1  # {comment}\n"))


@pytest.mark.parametrize(
    "comment",
    [
        "noqa: E501 - a long address",
        "noqa: E501, F401 (re-exported)",
        "type: ignore[attr-defined]  # the stub lacks it",
        "pragma: no cover - runs in the child",
        "what follows is not ignored",
    ],
)
def test_a_suppression_with_a_reason_is_fine(tmp_path: Path, comment: str) -> None:
    assert not import_rules.unexplained(source(tmp_path, f"x = 1  # {comment}\n"))


@pytest.mark.parametrize("path", ["/work" + "/main/x", "'/root" + "/.cache'", "file:///opt/wheels" + "/a.whl"])
def test_a_path_of_one_machine_is_found(tmp_path: Path, path: str) -> None:
    assert import_rules.machine_paths(source(tmp_path, f"x = {path}\n"))


@pytest.mark.parametrize("path", ["./work/other", "{home}/work/x", "frame/work/x", "/workspace/x", "/tmp/x"])
def test_other_paths_are_fine(tmp_path: Path, path: str) -> None:
    assert not import_rules.machine_paths(source(tmp_path, f"x = {path}\n"))
