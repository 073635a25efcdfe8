"""What plugin authors test with: a suite of standard tests for each kind of plugin, and fixtures.

Needs pytest: `pip install brainsmith-core[testing]`. Three lines in a test file are enough:

```python
from brainsmith_core.testing import MetricParserSuite

class TestMyArea(MetricParserSuite):
    parser, samples = "my_area", {"small.area": ("luts=42", {"util.lut": 42})}
```

The suites look at the plugin as it is installed (`pip install -e .` will do). For the fixtures, put
`pytest_plugins = ["brainsmith_core.testing.fixtures"]` into the test file or the top-level `conftest.py`.
"""

from __future__ import annotations

import pytest

# Before they are imported: their assertions then tell what was compared.
pytest.register_assert_rewrite(
    *(f"{__name__}.{name}_suite" for name in ("plugin", "backend", "step", "parser", "executor"))
)

from .backend_suite import BackendSuite  # noqa: E402 - see above
from .executor_suite import ExecutorSuite  # noqa: E402 - see above
from .parser_suite import MetricParserSuite  # noqa: E402 - see above
from .plugin_suite import PluginSuite  # noqa: E402 - see above
from .step_suite import StepSuite  # noqa: E402 - see above
from .tools import MODEL_BYTES, EventRecorder, FakeClock, make_config  # noqa: E402 - see above

__all__ = [
    "MODEL_BYTES",
    "BackendSuite",
    "EventRecorder",
    "ExecutorSuite",
    "FakeClock",
    "MetricParserSuite",
    "PluginSuite",
    "StepSuite",
    "make_config",
]
