"""How far a build goes, and where in the flow a figure was obtained; apart from what needs more, for a quick start."""

from __future__ import annotations

import enum

__all__ = ["OutputStage", "Stage"]


class OutputStage(enum.Enum):
    """How far a build goes; each stage includes those before it."""

    DATAFLOW_GRAPH = "dataflow_graph"
    RTL = "rtl"
    STITCHED_IP = "stitched_ip"
    OUT_OF_CONTEXT_SYNTH = "out_of_context_synth"
    BITFILE = "bitfile"


class Stage(enum.Enum):
    """The point of the flow at which a figure was obtained."""

    MODEL = "model"
    ESTIMATE = "estimate"
    HLS = "hls"
    COSIM = "cosim"
    FIFO = "fifo"
    RTLSIM = "rtlsim"
    OOC = "ooc"
    SYNTH = "synth"
    PLACE = "place"
    ROUTE = "route"
    POWER = "power"
    BOARD = "board"
    BUILD = "build"
