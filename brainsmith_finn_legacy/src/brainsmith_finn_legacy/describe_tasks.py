"""Tasks of a worker in a FINN environment: say which FINN it holds and what it can do.

Runs in FINN's interpreter, loaded by path: standard library and FINN only.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib
import importlib.util
import inspect
import json
import platform
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["describe_environment"]


def _load_bootstrap() -> ModuleType:
    path = Path(__file__).with_name("finn_bootstrap.py")
    spec = importlib.util.spec_from_file_location("finn_bootstrap", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def _finn() -> Any:
    return _load_bootstrap().import_finn()


# Fields of DataflowBuildConfig that tell one release from those before it; the newest release comes first.
_PLUS_RELEASES = (
    ("1.6", "inject_steps_after"),
    ("1.5", "fifo_config_file"),
    ("1.4", "config_path"),
    ("1.3", "enable_exception_snapshots"),
    ("1.1", "live_fifo_sizing"),
)


def describe_environment(args: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Return everything that can be asked of the imported _finn().

    Args:
        args: nothing.
        emit: told of each module of transformations before its import.

    Returns:
        `flavour`, `version` (from the distribution, else ""), `release` (told from its fields), `xsi`, `folders`
        of the source packages, `site_folders` where distributions stand, and `description`.
    """
    del args
    _finn()  # first: if it isn't there, that is to be said, and not that QONNX isn't
    transformations, unimportable = _transformations(emit)
    own = _own_distribution()
    return {
        "flavour": _finn().flavour,
        "version": "" if own is None else own.version,
        "release": _release(),
        "xsi": _finn().xsi,
        "folders": {name: str(folder) for name, folder in _source_folders().items()},
        "site_folders": sorted({str(_folder_of(each)) for each in metadata.distributions()}),
        "description": {
            "python_version": platform.python_version(),
            "finn_folder": _finn().folder,
            "distributions": _distributions(own),
            "stand_ins": list(_finn().stand_ins),
            "fields": [_field(each) for each in dataclasses.fields(_finn().config.DataflowBuildConfig)],
            "default_steps": _step_names(_finn().config.default_build_dataflow_steps),
            "estimate_steps": _step_names(_finn().config.estimate_only_dataflow_steps),
            "steps": [
                {"name": name, "summary": _summary(function)}
                for name, function in _finn().steps.build_dataflow_step_lookup.items()
            ],
            "flows": _flows(),
            "kernels": _kernels(),
            "boards": _boards(),
            "alveo_boards": sorted(_basic("alveo_part_map")),
            "output_types": _values(getattr(_finn().config, "DataflowOutputType", None)),
            "verify_steps": _values(getattr(_finn().config, "VerificationStepType", None)),
            "transformations": transformations,
            "unimportable": unimportable,
        },
    }


def _source_folders() -> dict[str, Path]:
    spec = importlib.util.find_spec("qonnx")
    assert spec is not None  # FINN was imported, so QONNX was
    assert spec.submodule_search_locations is not None
    return {"finn": Path(_finn().folder), "qonnx": Path(spec.submodule_search_locations[0])}


# --- which FINN it is


def _own_distribution() -> metadata.Distribution | None:
    """Return the distribution that the imported FINN+ belongs to; a checkout on the path belongs to none."""
    for distribution in metadata.distributions(name="finn-plus"):
        if _folder_of(distribution) / "finn" == Path(_finn().folder):
            return distribution
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        sources = Path(unquote(urlsplit(origin.get("url", "")).path) or "/nonexistent")
        if origin.get("dir_info", {}).get("editable") and sources in Path(_finn().folder).parents:
            return distribution
    return None


def _folder_of(distribution: metadata.Distribution) -> Path:
    return Path(str(distribution.locate_file(""))).absolute()


def _release() -> str:
    names = {each.name for each in dataclasses.fields(_finn().config.DataflowBuildConfig)}
    if _finn().flavour == "finn-plus":
        return next((release for release, field in _PLUS_RELEASES if field in names), "1.0")
    if not hasattr(_finn().config, "AutoFIFOSizingMethod"):
        return "0.8"
    if hasattr(_finn().config, "ComputeEngineMemMode"):
        return "0.9"
    if "mlo" not in names:
        return "0.10"
    phases = any(name.startswith("phase_") for name in _step_names(_finn().config.default_build_dataflow_steps))
    return "next" if phases else "dev"


def _distributions(own: metadata.Distribution | None) -> dict[str, str]:
    """Return the versions of the distributions whose modules are imported by now, by name."""
    imported = {name.partition(".")[0] for name in sys.modules} - {"finn", "finn_xsi"}
    found = {} if own is None else {own.metadata["Name"]: own.version}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name not in found and not imported.isdisjoint(_top_levels(distribution)):
            found[name] = distribution.version
    return dict(sorted(found.items()))


def _top_levels(distribution: metadata.Distribution) -> set[str]:
    declared = distribution.read_text("top_level.txt")
    if declared:
        return set(declared.split())
    return {file.parts[0].partition(".")[0] for file in distribution.files or () if file.suffix == ".py"}


# --- its configuration


def _field(field: dataclasses.Field[Any]) -> dict[str, Any]:
    hint = _hints().get(field.name, field.type)
    parts = list(_parts(hint))
    default = _default(field)
    return {
        "name": field.name,
        "type": _type_text(field.type),
        "default": None if default is dataclasses.MISSING else _plain(default),
        "required": default is dataclasses.MISSING,
        "choices": [choice for part in parts for choice in _choices(part)],
        "many": any(typing.get_origin(part) in (list, tuple) for part in parts),
        "optional": type(None) in parts,
    }


def _hints() -> Mapping[str, Any]:
    return typing.get_type_hints(_finn().config.DataflowBuildConfig)


def _parts(hint: Any) -> Iterator[Any]:
    """Walk through a type and all that it is made of."""
    yield hint
    if typing.get_origin(hint) is not typing.Literal:
        for part in typing.get_args(hint):
            yield from _parts(part)


def _choices(part: Any) -> list[str]:
    if typing.get_origin(part) is typing.Literal:
        return [str(choice) for choice in typing.get_args(part)]
    return _values(part) if isinstance(part, type) and issubclass(part, enum.Enum) else []


def _values(kind: Any) -> list[str]:
    return [] if kind is None else [str(member.value) for member in kind]


def _type_text(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(typing|pathlib|" + re.escape(_finn().config.__name__) + r")\.", "", text)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _plain(value: Any) -> Any:
    """Return a default as JSON, or None where that can't be."""
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, (bool, int, float, str)) else None


def _step_names(steps: Iterable[Any]) -> list[str]:
    return [step if isinstance(step, str) else step.__name__ for step in steps]


def _flows() -> dict[str, list[str]]:
    """Return the lists of steps that FINN has, by their short names."""
    flows = {}
    for name, value in vars(_finn().config).items():
        short = name.removesuffix("_steps").removesuffix("_dataflow").removesuffix("_build")
        if name.endswith("_steps") and isinstance(value, list):
            flows[short] = _step_names(value)
    return dict(sorted(flows.items()))


def _kernels() -> dict[str, list[str]]:
    """Return the operators of which FINN has specialised variants, with these."""
    kernels: dict[str, list[str]] = {}
    for style in ("hls", "rtl"):
        try:
            module = importlib.import_module(f"finn.custom_op.fpgadataflow.{style}")
        except ModuleNotFoundError:  # before FINN 0.10
            continue
        for name in getattr(module, "custom_op", {}):
            if name.endswith(f"_{style}"):
                kernels.setdefault(name.removesuffix(f"_{style}"), []).append(style)
    return dict(sorted(kernels.items()))


def _basic(name: str) -> dict[str, str]:
    return dict(getattr(importlib.import_module("finn.util.basic"), name, {}))


def _boards() -> dict[str, str]:
    boards: dict[str, str] = {}
    for name in ("pynq_part_map", "alveo_part_map", "part_map"):
        boards.update(_basic(name))
    return dict(sorted(boards.items()))


# --- its transformations


def _transformations(emit: Callable[[dict[str, Any]], None]) -> tuple[list[Any], list[Any]]:
    base = importlib.import_module("qonnx.transformation.base").Transformation
    found: list[Any] = []
    unimportable: list[Any] = []
    for name in _transformation_modules():
        emit({"module": name})
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code: it may raise anything
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            unimportable.append({"module": name, "reason": reason})
        else:
            found += [_transformation(each) for each in _classes(module, base)]
    return sorted(found, key=lambda each: str(each["name"])), unimportable


def _transformation_modules() -> Iterator[str]:
    for package, top in _source_folders().items():
        for file in sorted((top / "transformation").rglob("*.py")):
            parts = (package, *file.relative_to(top).with_suffix("").parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _classes(module: ModuleType, base: type) -> Iterator[type]:
    # A class may have several names in its module.
    for value in dict.fromkeys(each for each in vars(module).values() if isinstance(each, type)):
        if issubclass(value, base) and value.__module__ == module.__name__ and not inspect.isabstract(value):
            yield value


def _transformation(cls: type) -> dict[str, Any]:
    return {
        "name": f"{cls.__module__}.{cls.__qualname__}",
        "parameters": [_parameter(each) for each in inspect.signature(cls).parameters.values()],
        "summary": _summary(cls),
    }


def _parameter(parameter: inspect.Parameter) -> dict[str, Any]:
    variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    required = parameter.default is parameter.empty and not variable
    default = "" if required or variable else _code(parameter.default)
    return {"name": str(parameter).partition(":")[0].partition("=")[0], "required": required, "default": default}


def _code(value: Any) -> str:
    """Return a default as its source may have it; no text that differs from run to run."""
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    text = repr(value)
    return f"<{type(value).__name__}>" if " at 0x" in text else text


def _summary(documented: Any) -> str:
    """Return the first line of a documentation, or its first sentence where that goes on over lines."""
    paragraph = " ".join((documented.__doc__ or "").strip().partition("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return sentence + stop.strip()
