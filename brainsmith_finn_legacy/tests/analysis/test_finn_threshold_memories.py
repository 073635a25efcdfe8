"""Memories of thresholds, as FINN estimates them."""

from __future__ import annotations

from typing import Any

import pytest

from brainsmith_finn_legacy.analysis.layers import Layer
from brainsmith_finn_legacy.analysis.resource_formulas import predict_resources
from brainsmith_finn_legacy.analysis.threshold_memories import threshold_memories

SMALL = {"NumChannels": 12, "PE": 1, "outputDataType": "INT2", "weightDataType": "INT4"}
DEEP = {"NumChannels": 4096, "PE": 1, "outputDataType": "INT1", "weightDataType": "INT9"}


@pytest.mark.parametrize(
    ("attributes", "lut", "bram", "uram"),
    [
        # two levels of four bits, 12 and 24 deep: four LUTs each
        (SMALL, 8, 0, 0),
        ({**SMALL, "PE": 4}, 32, 0, 0),
        ({**SMALL, "mlo_max_iter": 6}, 4 * 2 + 4 * 3, 0, 0),
        # 4096 words of nine bits fit two block RAMs of 9 x 2048 without waste
        (DEEP, 0, 2, 0),
        ({**DEEP, "NumChannels": 32768}, 0, 0, 1),
        # two bits for the first of three levels, one for the second: 24 and 48 deep
        ({**SMALL, "outputDataType": "INT3", "uniform_thres": 1}, 3, 0, 0),
        ({**SMALL, "depth_trigger_bram": 10, "depth_trigger_uram": 1000}, 0, 2, 0),
        ({**SMALL, "depth_trigger_bram": 20, "depth_trigger_uram": 1000}, 4, 1, 0),
        ({**SMALL, "depth_trigger_bram": 1, "depth_trigger_uram": 20}, 0, 1, 1),
    ],
)
def test_each_level_takes_the_memory_that_wastes_least(
    attributes: dict[str, Any], lut: int, bram: int, uram: int
) -> None:
    assert threshold_memories(attributes) == {"util.lut": lut, "util.bram_18k": bram, "util.uram": uram}


def test_a_prediction_uses_it_where_it_gives_what_finn_reported() -> None:
    attributes: dict[str, Any] = {**SMALL, "numInputVectors": (1,)}
    layer = Layer(
        name="Thresholding_rtl_0",
        op_type="Thresholding_rtl",
        attributes=attributes,
        resources={"util.lut": 8.0, "util.bram_18k": 1.0, "util.dsp": 0.0},
    )
    found = predict_resources(layer, {"PE": 4})
    assert {name: (each.method, each.value) for name, each in found.items()} == {
        "util.lut": ("formula", 32),
        "util.bram_18k": ("bounds", None),  # FINN said 1, so another formula was at work
        "util.dsp": ("bounds", 0),
    }
