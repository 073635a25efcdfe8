"""What a build that ran out of memory asks for next."""

from __future__ import annotations

import attrs

from .request import BuildRequest

__all__ = ["with_more_memory"]


def with_more_memory(request: BuildRequest, factor: float, total: float) -> BuildRequest | None:
    """Return a request for more memory; None if there isn't more. A limit of the build grows with it.

    Args:
        request: what was asked for.
        factor: by how much it grows; 1 for not at all.
        total: how much there is, in GB.

    Example:
        >>> from brainsmith_core.config import BuildConfig
        >>> request = BuildRequest(config=BuildConfig(id="a", model_path="m", output_dir="o"), memory_gb=4)
        >>> with_more_memory(request, 1.5, 16).memory_gb, with_more_memory(request, 1.5, 4)
        (6.0, None)
    """
    if factor <= 1:
        return request
    limit = request.config.global_config.memory_gb
    known = max(request.memory_gb, limit or 0.0)
    if known >= total:
        return None
    more = min(total, known * factor) if known else total  # of unknown need: alone on the machine
    settings = request.config.global_config
    if limit is not None:
        settings = attrs.evolve(settings, memory_gb=more)
    return attrs.evolve(request, config=attrs.evolve(request.config, global_config=settings), memory_gb=more)
