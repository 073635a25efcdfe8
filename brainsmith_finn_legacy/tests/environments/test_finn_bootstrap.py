from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from brainsmith_finn_legacy import finn_bootstrap

BOOTSTRAP = Path(finn_bootstrap.__file__)
MakeCheckout = Callable[..., Path]

# Xilinx/finn itself: no finn/__init__.py, no finn.interface, and other packages that may be absent.
PLAIN_FINN = {
    "finn/__init__.py": None,
    "finn/interface/__init__.py": None,
    "finn/xsi/__init__.py": None,
    "finn/util/settings.py": None,
    "finn/builder/build_dataflow.py": """
        import os
        import torchvision.datasets
        from brevitas_examples import bnn_pynq
        from pyverilator.util.axi_utils import toggle_clk
        import finn.builder.build_dataflow_config
        import finn.builder.build_dataflow_steps
        root = os.environ["FINN_ROOT"]
    """,
}
# FINN+ 1.4 and before: it looks for xsi.so at import.
OLDER_PLUS = {
    "finn/xsi/__init__.py": """
        import os, pathlib
        assert pathlib.Path(os.environ["FINN_XSI"], "xsi.so").exists(), "it would be built now"
        from xsi import Kernel, Design, Port
    """,
    "finn/builder/build_dataflow.py": "import finn.xsi",
}


def run_in(checkout: Path, code: str, env: Mapping[str, str] | None = None) -> Any:
    """Run code after the import of FINN; `answer` is what it answers."""
    program = f"""
import importlib.util, json, os, sys
spec = importlib.util.spec_from_file_location("finn_bootstrap", {str(BOOTSTRAP)!r})
bootstrap = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bootstrap)
answer = None
{code}
print(json.dumps(answer))
"""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FINN", "XILINX"))}
    environment = {**clean, "PYTHONPATH": str(checkout / "src"), **(env or {})}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=checkout, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


IMPORT = "finn = bootstrap.import_finn()\n"


def test_finn_plus_is_imported_without_torch_and_vivado(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout()
    code = IMPORT + (
        "answer = [finn.flavour, finn.folder, finn.vivado, finn.xsi, os.environ['XILINX_VIVADO'],"
        " finn.config.__name__, finn.steps.__name__, finn.build_dataflow.__name__, 'torch' in finn.stand_ins]"
    )
    assert run_in(checkout, code) == [
        "finn-plus",
        str(checkout / "src" / "finn"),
        False,
        False,
        finn_bootstrap.PLACEHOLDER_VIVADO,
        "finn.builder.build_dataflow_config",
        "finn.builder.build_dataflow_steps",
        "finn.builder.build_dataflow",
        True,
    ]


def test_xilinx_finn_is_imported_without_its_optional_packages(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout(changes=PLAIN_FINN)
    code = IMPORT + "answer = [finn.flavour, list(finn.stand_ins), finn.build_dataflow.root, 'TMPDIR' in os.environ]"
    expected = ["finn", ["brevitas_examples", "pyverilator", "torchvision"], str(checkout), False]
    assert run_in(checkout, code, {"TMPDIR": str(checkout)}) == expected


def test_finn_plus_1_4_does_not_build_xsi_at_import(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout(changes=OLDER_PLUS)
    code = IMPORT + "answer = [os.environ.get('FINN_XSI'), 'xsi' in finn.stand_ins]"
    assert run_in(checkout, code) == [None, True]
    assert run_in(checkout, code, {"FINN_XSI": "/somewhere"}) == ["/somewhere", True]


def test_the_real_xsi_is_used_where_it_was_built(make_checkout: MakeCheckout, tmp_path: Path) -> None:
    xsi = {"finn_xsi/__init__.py": "", "finn_xsi/xsi.so": "", "finn/xsi/__init__.py": "SimEngine = 'the real one'"}
    checkout = make_checkout(changes=xsi)
    vivado = tmp_path / "Vivado" / "2024.2"
    vivado.mkdir(parents=True)
    code = IMPORT + "import finn.xsi\nanswer = [finn.xsi.SimEngine if False else sys.modules['finn.xsi'].SimEngine]"
    assert run_in(checkout, code, {"XILINX_VIVADO": str(vivado)}) == ["the real one"]


def test_a_vivado_without_xsi_still_allows_the_import(make_checkout: MakeCheckout, tmp_path: Path) -> None:
    vivado = tmp_path / "Vivado" / "2024.2"
    vivado.mkdir(parents=True)
    code = IMPORT + "answer = [finn.vivado, finn.xsi]"
    assert run_in(make_checkout(), code, {"XILINX_VIVADO": str(vivado)}) == [True, False]


def test_a_stand_in_can_be_imported_but_not_used(make_checkout: MakeCheckout) -> None:
    code = IMPORT + (
        "import torch, torch.nn.functional\n"
        "from torch.nn import Module\n"
        "class Net(Module): pass\n"
        "answer = [isinstance(3, torch.Tensor), hasattr(torch, '__version__')]\n"
        "for use in (lambda: torch.zeros(3), Net, lambda: sys.modules['finn.xsi'].SimEngine(1)):\n"
        "    try:\n"
        "        use()\n"
        "    except bootstrap.MissingPackageError as error:\n"
        "        answer.append(str(error))\n"
    )
    assert run_in(make_checkout(), code) == [
        False,
        False,
        "torch.zeros is needed here, but torch isn't installed in this FINN environment",
        "torch.nn.Module is needed here, but torch isn't installed in this FINN environment",
        "finn.xsi.SimEngine is needed here, but XSI (RTL simulation) isn't built",
    ]


def test_a_package_that_is_there_gets_no_stand_in(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout(
        changes={"torch/__init__.py": "real = 1", "torch/nn/__init__.py": "", "torch/nn/functional.py": ""}
    )
    code = IMPORT + "import torch\nanswer = [torch.real, 'torch' in finn.stand_ins]\n"
    code += "try:\n    import torch.absent\nexcept ModuleNotFoundError as error:\n    answer.append(str(error))"
    assert run_in(checkout, code) == [1, False, "No module named 'torch.absent'"]


def test_what_has_no_stand_in_fails_to_import(make_checkout: MakeCheckout) -> None:
    checkout = make_checkout(changes={"finn/builder/build_dataflow.py": "import a_package_that_nobody_has"})
    code = "try:\n    bootstrap.import_finn()\nexcept ImportError as error:\n    answer = error.name"
    assert run_in(checkout, code) == "a_package_that_nobody_has"


def test_without_finn_the_error_names_the_interpreter(tmp_path: Path) -> None:
    (tmp_path / "src" / "finn").mkdir(parents=True)  # a package of that name, but not FINN
    code = "try:\n    bootstrap.import_finn()\nexcept ImportError as error:\n    answer = str(error)"
    assert run_in(tmp_path, code).startswith(f"there is no FINN in {sys.executable}")


def test_the_build_dir_is_set_for_a_build_and_its_settings_are_made(
    make_checkout: MakeCheckout, tmp_path: Path
) -> None:
    code = IMPORT + f"bootstrap.use_build_dir({str(tmp_path)!r})\nimport finn.util.settings as settings\n"
    code += "answer = [os.environ['FINN_BUILD_DIR'], settings.made_for]"
    assert run_in(make_checkout(), code) == [str(tmp_path), [str(tmp_path)]]
    code = IMPORT + f"bootstrap.use_build_dir({str(tmp_path)!r})\nanswer = os.environ['FINN_BUILD_DIR']"
    assert run_in(make_checkout("plain", PLAIN_FINN), code) == str(tmp_path)


def test_variables_of_the_user_stay(make_checkout: MakeCheckout) -> None:
    code = IMPORT + "answer = [os.environ['NUM_DEFAULT_WORKERS'], os.environ['OPENBLAS_NUM_THREADS']]"
    assert run_in(make_checkout(), code, {"NUM_DEFAULT_WORKERS": "7"}) == ["7", "1"]


@pytest.mark.parametrize("text", ["import", "from __future__"])
def test_the_file_needs_nothing_but_the_standard_library(text: str) -> None:
    imported = [
        line.split()[1].partition(".")[0] for line in BOOTSTRAP.read_text().splitlines() if line.startswith(text)
    ]
    assert imported
    assert set(imported) <= set(sys.stdlib_module_names)
