"""What a build's figures mean: performance, timing, memory traffic, resources by layer, and what would be if.

The names below are the public face; each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsmith_core.public_face import lazy_names

if TYPE_CHECKING:
    from .efficiency import ResourceEfficiency
    from .instances import InstanceMap
    from .memory_bandwidth import MemoryBandwidth
    from .performance import AdvancedPerformanceMetrics, ComprehensiveMetrics
    from .resource_usage import ResourceUsage
    from .scaling import ScalingPrediction, ScalingTarget
    from .timing_closure import TimingClosure
    from .tracker import ResourceUtilizationTracker

_HOME_OF = {
    "AdvancedPerformanceMetrics": "performance",
    "ComprehensiveMetrics": "performance",
    "InstanceMap": "instances",
    "MemoryBandwidth": "memory_bandwidth",
    "ResourceEfficiency": "efficiency",
    "ResourceUsage": "resource_usage",
    "ResourceUtilizationTracker": "tracker",
    "ScalingPrediction": "scaling",
    "ScalingTarget": "scaling",
    "TimingClosure": "timing_closure",
}

__all__ = [
    "AdvancedPerformanceMetrics",
    "ComprehensiveMetrics",
    "InstanceMap",
    "MemoryBandwidth",
    "ResourceEfficiency",
    "ResourceUsage",
    "ResourceUtilizationTracker",
    "ScalingPrediction",
    "ScalingTarget",
    "TimingClosure",
]

__getattr__ = lazy_names(__name__, _HOME_OF)
