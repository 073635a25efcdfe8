"""Several plugins offer one name: which of them holds, or that the user has to say so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from .choices import KINDS, PROJECT_FILE
from .state import Offer

__all__ = ["Clash", "record_name", "settle"]

#: Kinds whose records a user names. If two offer such a name, neither is taken until the user says which: a build must
#: never run with another backend than the one that was meant. Of the other kinds the first in the order holds.
_NAMED = {"backend", "preprocessing_step", "postprocessing_step", "executor", "command"}

CORE = "core"


@attrs.frozen(kw_only=True)
class Clash:
    """A name that several plugins offer.

    Args:
        kind: what is offered, such as `backend`.
        name: its name.
        offers: who offers it, in the order of plugins.
        winner: the one that holds, or None if the user has to choose.
    """

    kind: str
    name: str
    offers: tuple[Offer[Any], ...]
    winner: Offer[Any] | None

    @property
    def message(self) -> str:
        """Who offers it, in one line."""
        owners = " and ".join(offer.plugin.label for offer in self.offers)
        held = f"; {self.winner.plugin.name}'s holds" if self.winner else ""
        return f'the {self.kind.replace("_", " ")} "{self.name}" is offered by {owners}{held}'

    @property
    def fix(self) -> str:
        """What picks one of them, in one line."""
        names = " or ".join(f'"{offer.plugin.name}"' for offer in self.offers)
        key = self.name if "." not in self.name else f'"{self.name}"'
        return f"in {PROJECT_FILE}, below [plugins]: prefer.{self.kind}.{key} = {names}"


def record_name(record: Any) -> str:
    """Return the name under which a record is known: of a device, its part."""
    return str(record.part if hasattr(record, "part") else record.name)


def settle(
    hook: str, offers: Iterable[Offer[Any]], preferred: Callable[[str, str], str]
) -> tuple[list[Offer[Any]], list[Clash]]:
    """Return the offers that hold, in their order, and the clashes.

    Args:
        hook: the registration hook that they come from.
        offers: what all active plugins offer.
        preferred: gives the plugin that the user prefers for a kind and name, or "".
    """
    offers = list(offers)
    # Several plugins may know the same part: the lookup takes the first. Each plugin has settings of its own.
    if hook in {"brainsmith_devices", "brainsmith_settings"}:
        return offers, []
    by_name: dict[str, list[Offer[Any]]] = {}
    for offer in offers:
        by_name.setdefault(record_name(offer.record), []).append(offer)
    clashes = [_clash(KINDS[hook], name, found, preferred) for name, found in by_name.items() if len(found) > 1]
    lost = {id(offer) for clash in clashes for offer in clash.offers if offer is not clash.winner}
    return [offer for offer in offers if id(offer) not in lost], clashes


def _clash(kind: str, name: str, offers: list[Offer[Any]], preferred: Callable[[str, str], str]) -> Clash:
    wanted = preferred(kind, name)
    chosen = [offer for offer in offers if offer.plugin.name == wanted]
    # What core offers stays: a plugin that takes its names must not break a command that doesn't need the plugin.
    ours = [offer for offer in offers if offer.plugin.name == CORE]
    winner = next(iter(chosen or ours or ([] if kind in _NAMED else offers)), None)
    return Clash(kind=kind, name=name, offers=tuple(offers), winner=winner)
