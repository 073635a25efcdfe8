"""What the tests of this package share."""

from __future__ import annotations

import pytest

from brainsmith_core.errors import BrainsmithError
from brainsmith_finn_legacy.environments import DEFAULT_VERSION, FINNEnvironment, FINNEnvironmentManager


@pytest.fixture(scope="session")
def finn_environment() -> FINNEnvironment:
    """The user's own FINN+ environment; it is never installed, changed or removed by tests."""
    try:
        return FINNEnvironmentManager().find(DEFAULT_VERSION)
    except BrainsmithError as error:
        pytest.skip(f"needs a real FINN environment: make finn ({error.message})")
