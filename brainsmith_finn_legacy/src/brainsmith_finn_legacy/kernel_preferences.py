"""Kernels with their backends, as preferences for FINN's choice between HLS and RTL."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from brainsmith_core.config import Kernel
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.converters import to_tuple
from brainsmith_core.formats.json_values import JSONValue

from .environments.records import FINNEnvironment

__all__ = ["KernelPreference", "kernel_preferences"]

_ANY = "*"
_BACKENDS = ("hls", "rtl", _ANY)


@attrs.frozen(kw_only=True)
class KernelPreference:
    """How the layers of one kind shall be made.

    Args:
        name: FINN's operator, such as `MVAU`.
        style: `hls` or `rtl`, or "" for FINN's choice.
        allowed: the backends that the configuration allows.
        optional: whether a model without such a layer is right too.
    """

    name: str
    style: str = ""
    allowed: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    optional: bool = False

    def to_task(self) -> dict[str, JSONValue]:
        """Return it as the tasks in FINN's interpreter take it."""
        return {
            "name": self.name,
            "style": self.style,
            "allowed": list(self.allowed),
            "optional": self.optional,
        }


def kernel_preferences(
    kernels: Iterable[Kernel], environment: FINNEnvironment, warnings: list[str]
) -> list[KernelPreference]:
    """Return the preferences that a configuration's kernels express.

    Args:
        kernels: names (`~` in front: optional) with their backends, best first; none and `*` leave FINN its choice.
        environment: the FINN that they are for.
        warnings: an optional kernel that this FINN doesn't have is noted here.

    Raises:
        ConfigurationError: for an unknown kernel or backend, or a kernel without the backend asked for.
    """
    known = environment.description.kernels
    found: dict[str, KernelPreference] = {}
    for text, backends in kernels:
        name = text.removeprefix("~")
        if name not in known:
            message = f'{environment.title} has no kernel "{name}"'
            hint = did_you_mean(name, known)
            if not text.startswith("~"):
                raise ConfigurationError(message, hint=hint or "this FINN version doesn't choose between HLS and RTL")
            warnings.append(f"{message}; it is optional and was left out ({hint})")
            continue
        preference = _preference(name, backends, known[name], environment.title)
        preference = attrs.evolve(preference, optional=text.startswith("~"))
        if name in found and found[name] != preference:
            raise ConfigurationError(f"the kernel {name} is given twice, with different backends")
        found[name] = preference
    return list(found.values())


def _preference(name: str, backends: tuple[str, ...], offered: tuple[str, ...], title: str) -> KernelPreference:
    for backend in backends:
        if backend not in _BACKENDS:
            text = f'kernel {name}: there is no backend "{backend}"'
            raise ConfigurationError(text, hint=did_you_mean(backend, _BACKENDS))
    wanted = [backend for backend in backends if backend in (*offered, _ANY)]
    if backends and not wanted:
        text = f"{title} has no {' or '.join(backends).upper()} variant of {name}"
        raise ConfigurationError(text, hint=f"it has: {', '.join(offered)}")
    style = wanted[0] if wanted and wanted[0] != _ANY else ""
    return KernelPreference(name=name, style=style, allowed=offered if _ANY in wanted else wanted)
