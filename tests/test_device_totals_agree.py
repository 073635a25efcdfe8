"""Two packages offer device totals; where both know a die, they say the same."""

from __future__ import annotations

from brainsmith_core.metrics.devices import Devices, totals_of
from brainsmith_finn_legacy.devices import DEVICES
from brainsmith_vivado.devices import load_devices


def test_boards_of_finn_have_the_totals_of_their_dies() -> None:
    dies = Devices(load_devices())
    both = [(board, found) for board in DEVICES if (found := dies.find(board.part))]
    assert len(both) >= 8
    for board, die in both:
        assert totals_of(board) == totals_of(die), board.part
        assert board.slrs in (None, die.slrs), board.part
