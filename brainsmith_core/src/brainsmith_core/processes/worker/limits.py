"""The time and memory of one task, and what they may be."""

from __future__ import annotations

import os
import time

from . import tree

__all__ = ["Limits"]

_SAMPLE_S = 0.25  # between two looks at the memory


class Limits:
    """Measures this process's descendants from now on.

    Args:
        timeout_s: the seconds that they may run.
        memory_bytes: the memory that they may use together.
    """

    def __init__(self, timeout_s: float | None, memory_bytes: int | None) -> None:
        self.peak_bytes = 0
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._begun = time.monotonic()
        self._ended: float | None = None
        self._next_sample = self._begun + _SAMPLE_S

    def exceeded(self) -> str | None:
        """Return which limit is exceeded, `timeout` or `memory`, if one is."""
        if self._timeout_s is not None and self.seconds() >= self._timeout_s:
            return "timeout"
        if time.monotonic() >= self._next_sample:
            self._next_sample = time.monotonic() + _SAMPLE_S
            return self._sample()
        return None

    def due_s(self) -> float:
        """Return in how many seconds to look again."""
        sample_s = self._next_sample - time.monotonic()
        return sample_s if self._timeout_s is None else min(sample_s, self._timeout_s - self.seconds())

    def seconds(self) -> float:
        """Return how long the task has run."""
        return (self._ended or time.monotonic()) - self._begun

    def stop_clock(self) -> None:
        """Take note that the task itself has ended."""
        self._ended = time.monotonic()

    def note_peak(self, size: int) -> None:
        """Take note of a size in bytes that was reached."""
        self.peak_bytes = max(self.peak_bytes, size)

    def describe(self, cause: str) -> dict[str, str]:
        """Return the error that goes with `timeout`, `memory` or `stopped`."""
        return {
            "timeout": {
                "type": "Timeout",
                "message": f"it was ended at its time limit of {self._timeout_s} s",
            },
            "memory": {"type": "MemoryLimit", "message": self._describe_memory()},
            "stopped": {"type": "Stopped", "message": f"it was stopped after {self.seconds():.1f} s"},
        }[cause]

    def _describe_memory(self) -> str:
        if self._memory_bytes is None:
            return "there was no memory left"
        return f"it needed more memory than its limit of {self._memory_bytes} bytes"

    def _sample(self) -> str | None:
        processes = tree.descendants([os.getpid()])
        size = tree.resident_bytes(processes)
        self.note_peak(size)
        if self._memory_bytes is None or size <= self._memory_bytes:
            return None
        # That sum counts pages several times that are shared with the worker or among the task's processes.
        return "memory" if tree.proportional_bytes(processes) > self._memory_bytes else None
