"""Blueprints, version 3.0: a YAML file that says what to explore. See docs/reference/blueprint.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from brainsmith_core.config import GlobalConfig, ProcessingStep
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.input_files import with_paths_from
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import from_data
from brainsmith_core.formats.yaml_nodes import Node, read_yaml

from .choices import kernel_choices, parse_kernel, parse_transform, transform_choices
from .metric_names import MetricNames
from .search import Objective, SearchConfig, SearchConstraint, direction_named, strategy_named
from .space import DEFAULT_STAGE, DesignSpace, HWCompilerSpace, ProcessingSpace
from .sweep import Sweep, parse_flag
from .targets import Target, check_flags, parse_targets

__all__ = ["VERSION", "load_blueprint"]

VERSION = "3.0"

_KEYS = (
    *("version", "name", "description", "model"),
    *("targets", "hw_compiler", "processing", "search", "global"),
)
_SEARCH_KEYS = (
    *("strategy", "seed", "objectives", "constraints"),
    *("max_evaluations", "timeout_minutes", "parallel_builds"),
)
_OPTION_KEYS = ("enabled", "on_error")

T = TypeVar("T")


def load_blueprint(path: Path, model: Path | None, metrics: MetricNames) -> DesignSpace:
    """Return the design space that a blueprint describes.

    Args:
        path: the blueprint; relative paths in it start at its folder.
        model: the ONNX model, in place of the blueprint's own.
        metrics: the metrics that objectives and constraints may name.

    Raises:
        ConfigurationError: for anything wrong in it, with file and line.
        MissingRequirementError: if it, or a file that it names, doesn't exist.
    """
    root = read_yaml(path, "blueprint", 'a blueprint begins with version: "3.0"')
    top = root.mapping(_KEYS, required=("version",))
    if str(top["version"].value) != VERSION:
        raise top["version"].error(f'must be "{VERSION}", but is {top["version"].kind}')
    base = path.absolute().parent
    targets, flags = _targets(top.get("targets")), _flags(top.get("hw_compiler"), base)
    with _placed(top.get("targets", root)):
        check_flags(flags, targets)
    with _placed(root):
        return DesignSpace(
            model_path=str(model.absolute() if model is not None else base / _model(root, top)),
            hw_compiler_space=_hardware(top.get("hw_compiler"), flags),
            processing_space=_processing(top.get("processing"), base),
            search_config=_search(top.get("search"), metrics),
            global_config=_global(top.get("global"), base),
            targets=targets,
            name=top["name"].text() if "name" in top else path.stem,
            description=top["description"].text() if "description" in top else "",
            blueprint_path=str(path.absolute()),
        )


@contextmanager
def _placed(node: Node) -> Iterator[None]:
    """Name the node's place in errors that don't name one yet."""
    try:
        yield
    except ConfigurationError as error:
        if error.message.startswith(f"{node.file}, line "):
            raise
        raise node.placed(error) from None


def _each(node: Node | None, parse: Callable[[Any], T]) -> list[T]:
    """Parse the items of a list, each with its own line in errors."""
    found = []
    for item in node.items() if node is not None else ():
        with _placed(item):
            found.append(parse(item.data()))
    return found


def _model(root: Node, top: dict[str, Node]) -> str:
    if "model" not in top:
        raise root.error("no model is given", "give the key model, or --model on the command line")
    return top["model"].text()


def _targets(node: Node | None) -> tuple[Target, ...]:
    if node is None:
        return ()
    if not node.items():
        raise node.error("an empty list is an empty design space", "give a target, or leave the key out")
    listed = [target for entry in _each(node, lambda item: parse_targets([item])) for target in entry]
    with _placed(node):
        return parse_targets(listed)


def _flags(node: Node | None, base: Path) -> dict[str, Sweep]:
    found: dict[str, Sweep] = {}
    flags = node.mapping(()).get("config_flags") if node is not None else None
    for name, item in flags.mapping(()).items() if flags is not None else ():
        with _placed(item):
            sweep = parse_flag(item.data())
            found[name] = Sweep(tuple(with_paths_from(base, name, value) for value in sweep.values))
    return found


def _hardware(node: Node | None, flags: dict[str, Sweep]) -> HWCompilerSpace:
    if node is None:
        return HWCompilerSpace()
    keys = node.mapping(("kernels", "transforms", "config_flags", "build_steps"))
    with _placed(keys.get("kernels", node)):
        kernels = kernel_choices(_each(keys.get("kernels"), parse_kernel))
    steps = keys.get("build_steps")
    return HWCompilerSpace(
        kernels=kernels,
        transforms=_transforms(keys.get("transforms")),
        build_steps=[step.text() for step in steps.one_or_more()] if steps is not None else (),
        config_flags=flags,
    )


def _transforms(node: Node | None) -> dict[str, Any]:
    if node is None:
        return {}
    stages = node.mapping(()) if isinstance(node.value, dict) else {DEFAULT_STAGE: node}
    found = {}
    for stage, items in stages.items():
        with _placed(items):
            found[stage] = transform_choices(_each(items, parse_transform))
    return found


def _processing(node: Node | None, base: Path) -> ProcessingSpace:
    if node is None:
        return ProcessingSpace()
    keys = node.mapping(("preprocessing", "postprocessing"))

    def places(kind: Literal["preprocessing", "postprocessing"]) -> list[list[ProcessingStep]]:
        return [_alternatives(item, kind, base) for item in (keys[kind].items() if kind in keys else ())]

    with _placed(node):
        return ProcessingSpace(preprocessing=places("preprocessing"), postprocessing=places("postprocessing"))


def _alternatives(node: Node, kind: Literal["preprocessing", "postprocessing"], base: Path) -> list[ProcessingStep]:
    """Return the alternatives of one step: a name, or a mapping with `name` and `options`."""
    if isinstance(node.value, str):
        return [ProcessingStep(name=node.text(), type=kind)]
    keys = node.mapping(("name", "options"), required=("name",))
    options = keys["options"].items() if "options" in keys else [Node({}, node.file, node.line, node.path)]
    if not options:
        raise node.error("a step without options is an empty design space", "leave the key options out")
    return [_option(keys["name"].text(), kind, option, base) for option in options]


def _option(name: str, kind: Literal["preprocessing", "postprocessing"], node: Node, base: Path) -> ProcessingStep:
    """Return one alternative: its keys are the step's parameters, beside `enabled` and `on_error`."""
    keys = node.mapping(())
    parameters: dict[str, JSONValue] = {}
    for key, item in keys.items():
        if key not in _OPTION_KEYS:
            with _placed(item):
                parameters[key] = with_paths_from(base, key, item.data())
    own = {key: keys[key].data() for key in _OPTION_KEYS if key in keys}
    with _placed(node):
        return from_data(ProcessingStep, {"name": name, "type": kind, "parameters": parameters, **own})


def _search(node: Node | None, metrics: MetricNames) -> SearchConfig:
    if node is None:
        return SearchConfig()
    keys = node.mapping(_SEARCH_KEYS)
    given: dict[str, Any] = {}
    for key, item in keys.items():
        with _placed(item):
            given[key] = _search_value(key, item, metrics)
            SearchConfig(**{key: given[key]})
    return SearchConfig(**given)


def _search_value(key: str, node: Node, metrics: MetricNames) -> Any:
    if key == "strategy":
        return strategy_named(node.text())
    if key == "objectives":
        return [_objective(item, metrics) for item in node.items()]
    if key == "constraints":
        return [_constraint(item, metrics) for item in node.items()]
    return node.number() if key == "timeout_minutes" else node.whole_number()


def _objective(node: Node, metrics: MetricNames) -> Objective:
    """Return an objective: a metric's name, or a mapping with `metric` and `direction`."""
    if isinstance(node.value, str):
        keys = {"metric": node}
    else:
        keys = node.mapping(("metric", "direction"), required=("metric",))
    with _placed(keys["metric"]):
        name = metrics.resolve(keys["metric"].text())
    if "direction" not in keys:
        better = metrics.better(name)
        if better is None:
            raise node.error(f'which direction of "{name}" is better?', "give direction: maximize or minimize")
        return Objective(name, better)
    with _placed(keys["direction"]):
        return Objective(name, direction_named(keys["direction"].text()))


def _constraint(node: Node, metrics: MetricNames) -> SearchConstraint:
    keys = node.mapping(("metric", "operator", "value"), required=("metric", "operator", "value"))
    with _placed(keys["metric"]):
        name = metrics.resolve(keys["metric"].text())
    with _placed(keys["operator"]):
        return SearchConstraint(name, keys["operator"].text(), keys["value"].number())


def _global(node: Node | None, base: Path) -> GlobalConfig:
    if node is None:
        return GlobalConfig()
    given: dict[str, JSONValue] = {}
    for key, item in node.mapping(()).items():
        with _placed(item):
            value = item.data()
            if key in ("start_step", "stop_step") and isinstance(value, int):
                value = str(value)
            from_data(GlobalConfig, {key: value})
            given[key] = str(base / value) if key == "working_directory" and isinstance(value, str) else value
    with _placed(node):
        return from_data(GlobalConfig, given)
