"""What the tests of incremental steps share: a process of their own, since watching a step can't be undone."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

InChild = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def in_child() -> InChild:
    """Run a function in a forked process and return what it returns; an exception there fails the test here."""

    def run(function: Callable[[], Any]) -> Any:
        receive, send = os.pipe()
        child = os.fork()
        if not child:
            os.close(receive)
            try:
                answer = ("ok", function())
            except BaseException:  # noqa: BLE001 - it is handed to the parent
                answer = ("failed", traceback.format_exc())
            with os.fdopen(send, "wb") as file:
                pickle.dump(answer, file)
            os._exit(0)
        os.close(send)
        with os.fdopen(receive, "rb") as file:
            content = file.read()
        os.waitpid(child, 0)
        assert content, "the child died"
        kind, value = pickle.loads(content)
        assert kind == "ok", value
        return value

    return run
