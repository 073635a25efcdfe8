"""The stub passes the standard tests of a backend."""

from __future__ import annotations

from brainsmith_core.testing import BackendSuite


class TestStub(BackendSuite):
    backend = "future_brainsmith"
