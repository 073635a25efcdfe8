from __future__ import annotations

from brainsmith_orchestration.stopping import StopFlag


def test_the_first_reason_stays() -> None:
    flag = StopFlag()
    assert not flag.is_set()
    flag.set("one")
    flag.set("two")
    assert flag.reason == "one"
