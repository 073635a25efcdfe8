"""Start the worker from its path, leaving nothing of ours on `sys.path`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    here = __file__.rpartition("/")[0]
    # Python put this folder first on the path, where our modules would hide others of the same name.
    if sys.path and sys.path[0] == here:
        del sys.path[0]

    import importlib
    import importlib.util

    spec = importlib.util.spec_from_file_location("_brainsmith_worker", f"{here}/__init__.py")
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)
    importlib.import_module("_brainsmith_worker.program").main(sys.argv[1:])
