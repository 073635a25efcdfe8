"""Import FINN inside its own interpreter, also where torch, Vivado or XSI (RTL simulation) are absent.

Runs in FINN's environment, so it needs nothing but the standard library (of Python 3.8 too). A tasks module,
which the worker loads by path, gets it by path too:

```python
_path = Path(__file__).with_name("finn_bootstrap.py")
_spec = importlib.util.spec_from_file_location("finn_bootstrap", _path)
finn_bootstrap = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(finn_bootstrap)

FINN = finn_bootstrap.import_finn()  # once, in the worker
finn_bootstrap.use_build_dir(folder)  # in the forked child of each build
```
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

__all__ = ["PLACEHOLDER_VIVADO", "Finn", "MissingPackageError", "import_finn", "use_build_dir"]

#: What XILINX_VIVADO says where there is no Vivado: FINN+ asks only that a release stands in it. FINN copies
#: the release into `metadata_builder.json` as `tool_version`, where it means nothing then.
PLACEHOLDER_VIVADO = "/nonexistent/Vivado/2024.2"

# What FINN imports, but estimate builds never use. FINN's own list is of v0.10.1 and its development branch.
_STAND_INS_PLUS = ("torch", "onnx_passes", "xsi")
_STAND_INS_FINN = ("torch", "torchvision", "brevitas", "brevitas_examples", "pyverilator", "xsi")

_DEFAULTS = {
    # FINN+ looks for a settings file, and makes ~/.finn where it isn't told of one.
    "FINN_SETTINGS": "/nonexistent/finn-settings.yaml",
    # qonnx's process pool: otherwise each build takes three quarters of the cores.
    "NUM_DEFAULT_WORKERS": "1",
    # Native threads in the worker wouldn't survive its forks.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # Rich wraps tracebacks in the log at this width.
    "COLUMNS": "400",
}


class MissingPackageError(RuntimeError):
    """Something was used that this FINN environment doesn't have; a stand-in took its place at import."""


class Finn(NamedTuple):
    """The imported FINN.

    Args:
        flavour: `finn` (Xilinx/finn) or `finn-plus`.
        folder: the package's folder.
        build_dataflow: the module `finn.builder.build_dataflow`.
        config: the module `finn.builder.build_dataflow_config`.
        steps: the module `finn.builder.build_dataflow_steps`.
        stand_ins: packages that are absent, and for which a stand-in was imported.
        vivado: whether XILINX_VIVADO names a folder that exists.
        xsi: whether XSI is built, which RTL simulation needs.
    """

    flavour: str
    folder: str
    build_dataflow: ModuleType
    config: ModuleType
    steps: ModuleType
    stand_ins: tuple[str, ...]
    vivado: bool
    xsi: bool


def import_finn() -> Finn:
    """Import FINN and what a build needs of it; sets environment variables that aren't set yet.

    Raises:
        ImportError: where there's no FINN, or it lacks something that has no stand-in.
    """
    folder = _find_finn()
    plus = (folder / "interface").is_dir()
    vivado = Path(os.environ.get("XILINX_VIVADO") or PLACEHOLDER_VIVADO).is_dir()
    _set_environment(folder, plus)
    stand_ins = _StandIns(_STAND_INS_PLUS if plus else _STAND_INS_FINN)
    sys.meta_path.append(stand_ins)
    xsi = vivado and _xsi_is_built()
    modules = _import_builder() if xsi or not plus else _import_builder_without_xsi()
    return Finn("finn-plus" if plus else "finn", str(folder), *modules, tuple(sorted(stand_ins.used)), vivado, xsi)


def use_build_dir(folder: str) -> None:
    """Make FINN keep its intermediate files in `folder`, which exists; called in the process of one build."""
    os.environ["FINN_BUILD_DIR"] = folder
    settings = sys.modules.get("finn.util.settings")  # FINN+ 1.1 and later
    if settings is not None and hasattr(settings, "initialize_dummy_settings"):
        settings.initialize_dummy_settings()


def _find_finn() -> Path:
    spec = importlib.util.find_spec("finn")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    for folder in map(Path, folders):
        if (folder / "builder").is_dir():
            return folder.absolute()
    text = f"there is no FINN in {sys.executable}: no package finn.builder on {sys.path}"
    raise ImportError(text, name="finn")


def _set_environment(folder: Path, plus: bool) -> None:
    os.environ.setdefault("XILINX_VIVADO", PLACEHOLDER_VIVADO)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PWD", str(Path.cwd()))
    if not plus:
        # <checkout>/src/finn; the development branch reads FINN_ROOT at import.
        os.environ.setdefault("FINN_ROOT", str(folder.parent.parent))
        # FINN replaces the text of the usual prefix of temporary folders by FINN_BUILD_DIR.
        os.environ.pop("TMPDIR", None)
        tempfile.tempdir = None


def _import_builder() -> tuple[ModuleType, ModuleType, ModuleType]:
    builder = "finn.builder.build_dataflow"
    return (
        importlib.import_module(builder),
        importlib.import_module(f"{builder}_config"),
        importlib.import_module(f"{builder}_steps"),
    )


def _xsi_is_built() -> bool:
    folder = os.environ.get("FINN_XSI") or _package_folder("finn_xsi")
    if folder is None or not Path(folder, "xsi.so").is_file():
        return False
    os.environ["FINN_XSI"] = folder  # FINN+ 1.4 needs it told
    return True


def _package_folder(name: str) -> str | None:
    spec = importlib.util.find_spec(name)
    locations = [] if spec is None else list(spec.submodule_search_locations or [])
    return locations[0] if locations else None


def _import_builder_without_xsi() -> tuple[ModuleType, ModuleType, ModuleType]:
    # FINN+ 1.4 tries to build XSI at import, unless there's a file that looks as if it had been built.
    before = os.environ.get("FINN_XSI")
    with tempfile.TemporaryDirectory(prefix="finn-no-xsi-") as folder:
        Path(folder, "xsi.so").touch()
        os.environ["FINN_XSI"] = folder
        try:
            importlib.import_module("xsi")  # the stand-in, before that folder gets on the path
            _without_lazy_xsi()
            return _import_builder()
        finally:
            os.environ.pop("FINN_XSI")
            if before is not None:
                os.environ["FINN_XSI"] = before


def _without_lazy_xsi() -> None:
    """Let FINN+ 1.5 and later find names that it would else build XSI for, when it imports them."""
    xsi = importlib.import_module("finn.xsi")
    for name in getattr(xsi, "_LAZY_NAMES", ()):
        setattr(xsi, name, _stand_in_class("finn.xsi", name, "XSI (RTL simulation) isn't built"))


class _StandIns(MetaPathFinder, Loader):
    """Last finder of the import system: gives a stand-in for packages that no other finder has found."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = frozenset(packages)
        self.used: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for a package of ours, or for a module within one that is a stand-in already."""
        del path, target
        top = name.partition(".")[0]
        if top not in self._packages or (name != top and top not in self.used):
            return None
        self.used.add(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Return the stand-in module."""
        return _StandInModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: a stand-in has no code."""


class _StandInModule(ModuleType):
    """A module whose every name is a class that can be imported, but not used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        top = self.__name__.partition(".")[0]
        made = _stand_in_class(self.__name__, name, f"{top} isn't installed in this FINN environment")
        setattr(self, name, made)
        return made


def _stand_in_class(module: str, name: str, reason: str) -> type:
    def refuse(*_: object, **__: object) -> None:
        raise MissingPackageError(f"{module}.{name} is needed here, but {reason}")

    return type(name, (), {"__module__": module, "__init__": refuse})
