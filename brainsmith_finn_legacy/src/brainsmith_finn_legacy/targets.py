"""Which board and FPGA part a build is for."""

from __future__ import annotations

import re

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue

from .environments.records import FINNEnvironment

__all__ = ["Target", "resolve_target"]

#: Family and die, package, speed: xc7z020clg400-1, xczu7ev-ffvc1156-2-e, xck26-sfvc784-2LV-c.
_PART = re.compile(r"x[acq][a-z0-9]+(-[a-z]+[0-9]+)?-[0-9][A-Za-z0-9]*(-[A-Za-z0-9]+)*\Z")


@attrs.frozen(kw_only=True)
class Target:
    """What a build is for.

    Args:
        board: a board that FINN knows, or "".
        part: the FPGA part, or "" if none was given.
        warning: what the user should know of it, or "".
    """

    board: str = ""
    part: str = ""
    warning: str = ""


def resolve_target(config: BuildConfig, environment: FINNEnvironment) -> Target:
    """Return the target that the flags `board`, `fpga_part` and `target_device` name.

    Raises:
        ConfigurationError: for an unknown board or part, with the nearest one, or where two flags contradict.
    """
    boards = environment.description.boards
    board, part = config.flag("board"), config.flag("fpga_part")
    device = config.flag("target_device")
    if device is not None:
        if str(device) in boards or not _PART.match(str(device)):
            board = config.flag("board", "target_device")
        else:
            part = config.flag("fpga_part", "target_device")
    if board is not None:
        return Target(board=_known_board(board, part, environment), part=boards[str(board)])
    return Target() if part is None else _part_target(part, environment)


def _known_board(board: JSONValue, part: JSONValue, environment: FINNEnvironment) -> str:
    boards = environment.description.boards
    if not isinstance(board, str) or board not in boards:
        text = f"{environment.title} knows no board {board!r}"
        raise ConfigurationError(text, hint=did_you_mean(str(board), boards))
    if part is not None and part != boards[board]:
        text = f"board {board} carries the part {boards[board]}, but fpga_part is {part}"
        raise ConfigurationError(text, hint="give one of them")
    return board


def _part_target(part: JSONValue, environment: FINNEnvironment) -> Target:
    known = set(environment.description.boards.values())
    if not isinstance(part, str) or (part not in known and not _PART.match(part)):
        raise ConfigurationError(f"{part!r} is no FPGA part", hint=did_you_mean(str(part), known))
    if part in known:
        return Target(part=part)
    warning = f"{environment.title} has no board with the part {part}; {did_you_mean(part, known)}"
    return Target(part=part, warning=warning)
