"""The local executor passes the standard tests of an executor."""

from __future__ import annotations

from brainsmith_core.testing import ExecutorSuite


class TestLocal(ExecutorSuite):
    executor = "local"
