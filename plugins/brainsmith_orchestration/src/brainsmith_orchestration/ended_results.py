"""Results of builds that have ended: the latest as they are, older ones packed, so that 10,000 need little memory."""

from __future__ import annotations

import pickle
import zlib

from brainsmith_core.result import BuildResult

__all__ = ["EndedResults"]

#: So many are kept as they are: most are asked for soon after they came, if at all.
_RECENT = 64
_QUICKLY = 1


class EndedResults:
    """Results by the id of their configuration.

    Packed, a result takes about a quarter of the memory. It is not left to its folder alone, which may be moved,
    removed or built anew while somebody still waits for what came of it.

    Example:
        >>> results = EndedResults()
        >>> results.add(BuildResult(config_id="a"))
        >>> "a" in results, results.get("a").config_id, results.get("b")
        (True, 'a', None)
    """

    def __init__(self) -> None:
        self._recent: dict[str, BuildResult] = {}
        self._packed: dict[str, bytes] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._recent or name in self._packed

    def add(self, result: BuildResult) -> None:
        """Keep a result; one of that id before it is forgotten."""
        self._packed.pop(result.config_id, None)
        self._recent.pop(result.config_id, None)  # else it keeps the place of the earlier one
        self._recent[result.config_id] = result
        if len(self._recent) > _RECENT:
            oldest = next(iter(self._recent))
            self._packed[oldest] = zlib.compress(pickle.dumps(self._recent.pop(oldest)), _QUICKLY)

    def get(self, name: str) -> BuildResult | None:
        """Return a result, or None if the build hasn't ended."""
        if name in self._recent:
            return self._recent[name]
        if name not in self._packed:
            return None
        result = pickle.loads(zlib.decompress(self._packed[name]))  # noqa: S301 - it never left this process
        assert isinstance(result, BuildResult)
        return result
