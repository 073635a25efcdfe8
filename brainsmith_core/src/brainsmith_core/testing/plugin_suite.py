"""What all suites have in common: the guard over the standard tests, and the tests of any plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from ..errors import did_you_mean
from ..plugins.manager import Offer, PluginManager
from .tools import imported_by_listing

__all__ = ["PluginSuite"]

_PREFIX = "test_"
_OURS = __name__.rpartition(".")[0] + "."


class PluginSuite:
    """The standard tests of a plugin; subclass the suite of its kind.

    A standard test that is overridden or set to None needs a reason in `waived`; without one the class can't even be
    made. A waived test that isn't overridden is skipped, and the reason is shown.

    Attributes:
        hook: the registration hook that offers what is tested; set by the suite of the kind.
        waived: for each standard test that doesn't hold, why.
    """

    hook: ClassVar[str] = ""
    waived: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith(_OURS):
            return
        standard = dict(_standard_tests(cls))
        for name, reason in cls.waived.items():
            if name not in standard:
                raise TypeError(f"{cls.__name__}.waived names {name}; {did_you_mean(name, standard)}")
            if not reason.strip():
                raise TypeError(f"{cls.__name__}.waived[{name!r}] must say why")
        changed = [name for name, test in standard.items() if getattr(cls, name) is not test and name not in cls.waived]
        if changed:
            text = f"{cls.__name__} overrides or removes the standard test {changed[0]} without a reason"
            raise TypeError(f"{text}: say why in waived = {{{changed[0]!r}: '...'}}")

    @pytest.fixture(autouse=True)
    def _skip_waived(self, request: pytest.FixtureRequest) -> None:
        name = request.function.__name__
        standard = dict(_standard_tests(type(self)))
        if name in self.waived and getattr(type(self), name) is standard[name]:
            pytest.skip(f"waived: {self.waived[name]}")

    def name(self) -> str:
        """Return the name of what is tested."""
        raise NotImplementedError

    @pytest.fixture
    def plugins(self) -> PluginManager:
        """All installed plugins."""
        return PluginManager.discover()

    @pytest.fixture
    def offer(self, plugins: PluginManager) -> Offer[Any]:
        """What is tested, with its plugin."""
        found = {offer.record.name: offer for offer in plugins.offers(self.hook)}
        asides = "".join(f"; {each.label} is {each.state.value}: {each.reason}" for each in plugins.inactive())
        known = did_you_mean(self.name(), found)
        assert self.name() in found, f"no active plugin offers {self.name()}{asides}; {known}; is it installed?"
        return found[self.name()]

    def test_its_plugin_is_active_and_uses_nothing_deprecated(self, plugins: PluginManager, offer: Offer[Any]) -> None:
        """The plugin is installed, and every hook of it gives right records."""
        plugins.check_all()
        assert offer.plugin.is_active, offer.plugin.reason
        assert offer.plugin.notes == []
        assert offer.plugin.version

    def test_no_other_plugin_offers_its_name(self, plugins: PluginManager, offer: Offer[Any]) -> None:
        """Nobody has to choose."""
        clashes = [clash.message for clash in plugins.clashes(self.hook) if clash.name == offer.record.name]
        assert clashes == []

    def test_its_target_can_be_imported(self, plugins: PluginManager, offer: Offer[Any]) -> None:
        """The code that the record names is there and can be called."""
        assert callable(plugins.load(offer, self.hook))

    def test_listing_imports_none_of_its_code(self, offer: Offer[Any]) -> None:
        """Help and lists stay quick: the module with the code is imported when it is first used."""
        module = offer.record.target.partition(":")[0]
        assert module not in imported_by_listing(), f"{module} is imported by the plugin's own module"


def _standard_tests(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the tests of the suites of this kit that a class is made from."""
    for base in reversed(cls.__mro__):
        if base.__module__.startswith(_OURS):
            yield from ((name, value) for name, value in vars(base).items() if name.startswith(_PREFIX))
