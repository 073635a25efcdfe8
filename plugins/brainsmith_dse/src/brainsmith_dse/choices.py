"""Kernels and transforms: what a blueprint writes, and the options that it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from brainsmith_core.config import Kernel
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.converters import to_tuple

__all__ = [
    "Choice",
    "KernelChoice",
    "TransformChoice",
    "kernel_choices",
    "parse_kernel",
    "parse_transform",
    "transform_choices",
]

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z_][\w.:\-]*\Z")
_ANY_BACKEND = "*"


@attrs.frozen
class Choice(Generic[T]):
    """One place in the hardware compiler's input: each design takes exactly one of the options.

    Args:
        options: what there is to choose from; None stands for leaving it out.
    """

    options: tuple[T | None, ...] = attrs.field(converter=to_tuple)

    def __attrs_post_init__(self) -> None:
        if not self.options:
            raise ConfigurationError("there is nothing to choose from", hint="give at least one name")
        for index, option in enumerate(self.options):
            if option in self.options[:index]:
                raise ConfigurationError(f"the option {_shown(option)} is given twice")

    @property
    def is_fixed(self) -> bool:
        """Whether there is no choice at all."""
        return len(self.options) == 1


#: A kernel with each of its backends, or one of several kernels, or none.
KernelChoice = Choice[Kernel]
#: A transformation, or one of several, or none.
TransformChoice = Choice[str]


def kernel_choices(items: Iterable[Any]) -> tuple[KernelChoice, ...]:
    """Return the choices that a list of kernels stands for; see `parse_kernel`.

    Raises:
        ConfigurationError: for a wrong item, or a kernel that is named twice.
    """
    choices = tuple(item if isinstance(item, Choice) else parse_kernel(item) for item in items)
    names: set[str] = set()
    for choice in choices:
        mine = {option[0] for option in choice.options if option is not None}
        for name in sorted(mine & names):
            raise ConfigurationError(f'the kernel "{name}" is named twice', hint="name each kernel once")
        names |= mine
    return choices


def transform_choices(items: Iterable[Any]) -> tuple[TransformChoice, ...]:
    """Return the choices that a stage's list of transforms stands for; see `parse_transform`.

    A transformation may run several times, but one that is left to choice must be named once: otherwise two
    combinations would be the same design.

    Raises:
        ConfigurationError: for a wrong item, or a transform that is named twice and left to choice.
    """
    choices = tuple(item if isinstance(item, Choice) else parse_transform(item) for item in items)
    named = [name for choice in choices for name in choice.options if name is not None]
    for choice in choices:
        for name in choice.options if not choice.is_fixed else ():
            if name is not None and named.count(name) > 1:
                text = f'the transform "{name}" is left to choice, but is named twice in its stage'
                raise ConfigurationError(text, hint="name it once, or put it into another stage")
    return choices


def parse_kernel(item: object) -> KernelChoice:
    """Return the choice that an item of `kernels` stands for.

    Args:
        item: one of the forms below; `~` before a name, or `~` (null) in a list, makes it optional.

    Raises:
        ConfigurationError: for anything else.

    Example:
        >>> parse_kernel("MatMul").options
        (('MatMul', ('*',)),)
        >>> parse_kernel(["Gemm", ["rtl", "hls"]]).options
        (('Gemm', ('rtl',)), ('Gemm', ('hls',)))
        >>> parse_kernel([["~Softmax", ["flash"]]]).options
        (('Softmax', ('flash',)), None)
        >>> [option and option[0] for option in parse_kernel(["A", "B"]).options]
        ['A', 'B']
        >>> parse_kernel([None, "Transpose"]).options
        (('Transpose', ('*',)), None)
        >>> parse_kernel({"one_of": ["A", {"name": "B", "backends": ["hls"]}], "optional": True}).options
        (('A', ('*',)), ('B', ('hls',)), None)
    """
    if isinstance(item, Mapping):
        return _kernel_mapping(item)
    if isinstance(item, list | tuple):
        return _kernel_with_backends(item) if _has_backends(item) else _joined(parse_kernel, item)
    name, optional = _name(item, "kernel")
    return _optional([(name, (_ANY_BACKEND,))], optional)


def parse_transform(item: object) -> TransformChoice:
    """Return the choice that an item of a stage's list of transforms stands for.

    Args:
        item: one of the forms below; `~` before a name, or `~` (null) in a list, makes it optional.

    Raises:
        ConfigurationError: for anything else.

    Example:
        >>> parse_transform("streamline").options, parse_transform("~tidy_up").options
        (('streamline',), ('tidy_up', None))
        >>> parse_transform(["a", "b"]).options, parse_transform([None, "a"]).options
        (('a', 'b'), ('a', None))
        >>> parse_transform({"name": "a", "optional": True}).options
        ('a', None)
    """
    if isinstance(item, Mapping):
        _check_keys(item, ("name", "one_of", "optional"))
        return _optional(_inner(item, parse_transform), _flag(item, "optional"))
    if isinstance(item, list | tuple):
        return _joined(parse_transform, item)
    name, optional = _name(item, "transform")
    return _optional([name], optional)


def _kernel_mapping(item: Mapping[Any, Any]) -> KernelChoice:
    _check_keys(item, ("name", "backends", "one_of", "optional"))
    if "backends" in item:
        if "name" not in item:
            raise ConfigurationError("backends belong to a kernel's name", hint="{name: Gemm, backends: [rtl, hls]}")
        choice = _kernel_with_backends((item["name"], item["backends"]))
        return _optional(choice.options, _flag(item, "optional"))
    return _optional(_inner(item, parse_kernel), _flag(item, "optional"))


def _inner(item: Mapping[Any, Any], parse: Any) -> tuple[Any, ...]:
    """Return the options of a mapping that has either `name` or `one_of`."""
    if ("name" in item) == ("one_of" in item):
        raise ConfigurationError(f"{dict(item)!r} needs either name or one_of")
    if "name" in item:
        if not isinstance(item["name"], str):
            raise ConfigurationError(f"name must be a text, but is {item['name']!r}")
        return tuple(parse(item["name"]).options)
    if not isinstance(item["one_of"], list | tuple):
        raise ConfigurationError(f"one_of must be a list, but is {item['one_of']!r}")
    return tuple(_joined(parse, item["one_of"]).options)


def _has_backends(item: list[Any] | tuple[Any, ...]) -> bool:
    return len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], list | tuple)


def _kernel_with_backends(item: Any) -> KernelChoice:
    name, optional = _name(item[0], "kernel")
    backends = item[1]
    if not isinstance(backends, list | tuple) or not backends:
        raise ConfigurationError(f'the backends of the kernel "{name}" must be a list, but are {backends!r}')
    options = []
    for backend in backends:
        if backend != _ANY_BACKEND and (not isinstance(backend, str) or not _NAME.match(backend)):
            raise ConfigurationError(f'the kernel "{name}" has a wrong backend: {backend!r}', hint="such as hls, rtl")
        options.append((name, (backend,)))
    return _optional(options, optional)


def _joined(parse: Any, items: Iterable[Any]) -> Choice[Any]:
    """Return the choice of one of several; a null among them makes it optional."""
    options: list[Any] = []
    for item in items:
        options.extend([None] if item is None else parse(item).options)
    optional = None in options
    return _optional([option for option in options if option is not None], optional)


def _optional(options: Iterable[Any], optional: bool) -> Choice[Any]:
    present = tuple(option for option in options if option is not None)
    if not present:
        raise ConfigurationError("there is nothing to choose from", hint="give at least one name")
    return Choice((*present, None) if optional or None in tuple(options) else present)


def _name(item: object, kind: str) -> tuple[str, bool]:
    """Return a name and whether `~` before it makes it optional."""
    if not isinstance(item, str):
        text = f"a {kind} must be a name, a list or a mapping, but this is {item!r}"
        raise ConfigurationError(text, hint=f'quote the name if YAML takes it for something else: "{item}"')
    name = item.removeprefix("~").strip()
    if not _NAME.match(name):
        hint = "a name has letters, digits and _ . : - only; alternatives are written as a list: [~, Transpose]"
        raise ConfigurationError(f'"{item}" is no name of a {kind}', hint=hint)
    return name, item.startswith("~")


def _flag(item: Mapping[Any, Any], key: str) -> bool:
    value = item.get(key, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{key} must be true or false, but is {value!r}")
    return value


def _check_keys(item: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    for key in item:
        if key not in known:
            raise ConfigurationError(f'there is no key "{key}" here', hint=did_you_mean(str(key), known))


def _shown(option: object) -> str:
    if option is None:
        return "~"
    return f'"{option}"' if isinstance(option, str) else f'"{option[0]}" ({", ".join(option[1])})'  # type: ignore[index]  # else a Kernel
