"""What design-space exploration calls: a runner that takes a configuration and gives a result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from ..config import BuildConfig, OutputStage
from ..context import Backend, BackendOutcome, BuildContext, StopSignal
from ..errors import PluginError
from ..events import BuildEvent
from ..formats.json_values import JSONValue, checked_json_dict
from ..plugins.manager import Offer, Plugin, PluginManager, default_plugins
from ..records import BackendSpec
from ..result import BuildResult
from .one_build import is_stored, run_build, validate_build
from .settings_used import settings_used

__all__ = [
    "BackendBase",
    "BuildRunner",
    "BuildRunnerInterface",
    "create_build_runner_factory",
    "default_plugins",
]


class BuildRunnerInterface(ABC):
    """Runs builds, whatever the backend."""

    @abstractmethod
    def run(self, config: BuildConfig) -> BuildResult:
        """Execute a build and return its result."""

    @abstractmethod
    def get_backend_name(self) -> str:
        """Return the backend's name for people."""

    @abstractmethod
    def get_supported_output_stages(self) -> list[OutputStage]:
        """Return the output stages that the backend can reach."""


class BuildRunner(BuildRunnerInterface):
    """Runs builds with one backend.

    Args:
        backend: what builds.
        offer: its record, with the plugin that it comes from.
        plugins: where steps, parsers and rules are registered.
    """

    def __init__(self, backend: Backend, offer: Offer[BackendSpec], plugins: PluginManager) -> None:
        self.backend, self.offer, self.plugins = backend, offer, plugins

    def run(
        self,
        config: BuildConfig,
        *,
        stop: StopSignal | None = None,
        on_event: Callable[[BuildEvent], None] | None = None,
    ) -> BuildResult:
        """Execute a build and return its result; see `brainsmith_core.build.one_build.run_build`."""
        return run_build(config, self.backend, self.offer, self.plugins, stop=stop, on_event=on_event)

    def validate(self, config: BuildConfig) -> None:
        """Check all that can be checked before a build starts.

        Raises:
            ConfigurationError: for a wrong configuration.
            MissingRequirementError: for something that the build needs and that isn't here.
        """
        validate_build(config, self.backend, self.offer.record, self.plugins)

    def is_stored(self, config: BuildConfig) -> bool:
        """Tell whether a build's result is in the store: then `run` restores it, and there is nothing to check."""
        return is_stored(config, self.backend, self.offer.record, self.plugins)

    def identity(self, config: BuildConfig) -> dict[str, JSONValue]:
        """Return what a result depends on beside the configuration and the model, as the result's provenance has it.

        A finished build counts only if its provenance agrees with this.
        """
        identity = getattr(self.backend, "identity", None)
        own = {} if identity is None else checked_json_dict(identity(config), "identity")
        return own | settings_used(config, self.offer.record, self.plugins)

    def get_backend_name(self) -> str:
        """Return the backend's name for people."""
        return self.offer.record.title or self.offer.record.name

    def get_supported_output_stages(self) -> list[OutputStage]:
        """Return the output stages that the backend can reach."""
        return list(self.offer.record.output_stages)


class BackendBase(BuildRunnerInterface):
    """A backend that is also its own runner: give it a `spec` and a `build`, and `run(config)` works."""

    spec: ClassVar[BackendSpec]

    @abstractmethod
    def build(self, context: BuildContext) -> BackendOutcome:
        """Build `context.model_path` as `context.config` says, inside `context.workspace`."""

    def run(
        self,
        config: BuildConfig,
        *,
        stop: StopSignal | None = None,
        on_event: Callable[[BuildEvent], None] | None = None,
    ) -> BuildResult:
        """Execute a build with this backend and return its result; see `brainsmith_core.build.one_build.run_build`."""
        return self.as_runner().run(config, stop=stop, on_event=on_event)

    def as_runner(self) -> BuildRunner:
        """Return the runner of this backend, with the plugins of this environment."""
        plugins = default_plugins()
        offer = plugins.backends().get(self.spec.name) or Offer(self.spec, _unregistered(self.spec))
        return BuildRunner(self, offer, plugins)

    def get_backend_name(self) -> str:
        """Return the backend's name for people."""
        return self.spec.title or self.spec.name

    def get_supported_output_stages(self) -> list[OutputStage]:
        """Return the output stages that the backend can reach."""
        return list(self.spec.output_stages)


def _unregistered(spec: BackendSpec) -> Plugin:
    return Plugin(name=spec.name, target=spec.target, distribution="", version="")


def create_build_runner_factory(
    backend_type: str = "auto", plugins: PluginManager | None = None
) -> Callable[[], BuildRunner]:
    """Return a function that creates runners for a backend.

    Args:
        backend_type: a registered backend's name, or `auto` for the best real one that is installed.
        plugins: where to look; else the plugins of this environment.

    Raises:
        ConfigurationError: for a name that nothing offers.
        PluginError: if the backend's plugin isn't active or its code can't be imported.

    Example:
        >>> create_build_runner_factory("future_brainsmith")().get_backend_name()
        'FINN-Brainsmith Direct (Stub)'
    """
    manager = plugins or default_plugins()
    offer = _best_real_backend(manager) if backend_type == "auto" else manager.backend(backend_type)
    # Once now, so that what can't be imported is told at once.
    manager.load(offer, "backend")
    return _BackendRunners(manager, offer)


class _BackendRunners:
    """Makes runners of one backend; pickled, it finds the backend among the plugins where it is unpickled."""

    def __init__(self, plugins: PluginManager, offer: Offer[BackendSpec]) -> None:
        self._plugins, self._offer = plugins, offer

    def __call__(self) -> BuildRunner:
        return BuildRunner(self._plugins.make_backend(self._offer), self._offer, self._plugins)

    def __reduce__(self) -> tuple[Callable[[str, tuple[str, ...]], object], tuple[str, tuple[str, ...]]]:
        return _runners_elsewhere, (self._offer.record.name, tuple(self._plugins.choices.disabled))


def _runners_elsewhere(backend: str, disabled: tuple[str, ...]) -> Callable[[], BuildRunner]:
    return create_build_runner_factory(backend, PluginManager.discover(disabled))


def _best_real_backend(plugins: PluginManager) -> Offer[BackendSpec]:
    """Return the real backend of highest priority: simulated figures only for those who ask for them by name."""
    real = [offer for offer in plugins.backends().values() if not offer.record.simulated]
    if not real:
        raise PluginError("no real backend is installed", hint="pip install brainsmith-finn-legacy")
    return max(real, key=lambda offer: (offer.record.priority, offer.record.name))
