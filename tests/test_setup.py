"""Set-up of a checkout, run for real: without network, from wheels packed from what is installed here."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution, version
from pathlib import Path, PurePosixPath

import fetch_pip
import install_locked
import pytest
import set_up
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from workspace import OWN_PROGRAMS, Workspace, locked_entries

ROOT = Path(__file__).resolve().parent.parent
REAL = ("editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers", "uv")
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1"
dependencies = [{dependencies}]

[tool.hatch.build.targets.wheel]
packages = ["src/{name}"]
"""


def pack(folder: Path, name: str, files: Mapping[str, bytes], record: str, tag: str = "py3-none-any") -> Path:
    """Write a wheel, with its record."""
    wheel = folder / f"{name}-{tag}.whl"
    rows = []
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(content)}")
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (stat.S_IFREG | 0o755) << 16
            archive.writestr(entry, content)
        archive.writestr(record, "\n".join([*rows, f"{record},,"]) + "\n")
    return wheel


def pack_installed(folder: Path, name: str) -> Path:
    """Make a wheel again from an installed package."""
    installed = distribution(name)
    stem = next(PurePosixPath(str(file)).parts[0] for file in installed.files or [] if file.name == "METADATA")
    files = {path: content for path, content in _contents(installed, stem) if not path.endswith("RECORD")}
    tag = re.search(r"^Tag: (.*)$", files[f"{stem}/WHEEL"].decode(), re.MULTILINE)
    assert tag is not None
    return pack(folder, stem.removesuffix(".dist-info"), files, f"{stem}/RECORD", tag.group(1))


def _contents(installed: Distribution, stem: str) -> Iterator[tuple[str, bytes]]:
    for file in installed.files or []:
        where = PurePosixPath(str(file))
        if where.name in {"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"} or "__pycache__" in where.parts:
            continue
        outside = where.parts[0] == ".."
        path = f"{stem.removesuffix('.dist-info')}.data/scripts/{where.name}" if outside else str(where)
        if not outside or name_is_program(where):
            yield path, Path(str(installed.locate_file(file))).read_bytes()


def name_is_program(path: PurePosixPath) -> bool:
    """Only uv's own programs are needed: the other scripts are made from entry points."""
    return path.name in {"uv", "uvx"}


def pack_leaf(folder: Path, number: str, name: str = "leaf") -> Path:
    """Make a wheel of a package that has nothing but a version."""
    info = f"{name}-{number}.dist-info"
    files = {
        f"{name}.py": f'VERSION = "{number}"\n'.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    return pack(folder, f"{name}-{number}", files, f"{info}/RECORD")


def lock_line(wheel: Path) -> str:
    """Return a wheel's line of a lock file."""
    name, number = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}=={number} \\\n    --hash=sha256:{digest}\n"


class Checkout:
    """A small checkout with this repository's set-up programs, two packages and a folder of wheels."""

    def __init__(self, root: Path, wheels: Path) -> None:
        self.root = root
        self.wheels = wheels
        self.venv = root / ".venv"
        self.stamp = Workspace(root).stamp
        (root / "tools").mkdir(parents=True)
        for name in OWN_PROGRAMS:
            shutil.copy(ROOT / "tools" / name, root / "tools" / name)
        groups = 'build = ["editables", "hatchling", "packaging", "uv"]'
        text = f'[tool.uv.workspace]\nmembers = ["pkg_*"]\n\n[dependency-groups]\n{groups}\n'
        (root / "pyproject.toml").write_text(text, encoding="utf-8")
        self.add_member("pkg_one", '"leaf>=1"')
        self.lock("leaf-1.0")

    def add_member(self, name: str, dependencies: str = "") -> None:
        """Add a package to the workspace, or change what it depends on."""
        source = self.root / name / "src" / name
        source.mkdir(parents=True, exist_ok=True)
        (source / "__init__.py").touch()
        text = PROJECT.format(name=name, dependencies=dependencies)
        (self.root / name / "pyproject.toml").write_text(text, encoding="utf-8")

    def lock(self, leaf: str) -> None:
        """Lock the real packages and one version of the leaf."""
        wanted = [*(name.replace("-", "_") for name in REAL), leaf]
        found = [next(iter(self.wheels.glob(f"{name}-*.whl"))) for name in wanted]
        text = "".join(map(lock_line, found))
        (self.root / "requirements.lock").write_text(text, encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        """Return environment variables that let nothing of this machine's settings in, and no network."""
        home = self.root.parent / "home"
        settings = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "PIP_NO_INDEX": "1"}
        return {**settings, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(self.wheels), **more}

    def set_up(self, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the set-up."""
        command = [str(self.root / "tools" / "setup.sh")]
        return subprocess.run(
            command,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def pip(self, *arguments: str) -> None:
        """Do as a user does: run the environment's pip."""
        command = [str(self.venv / "bin" / "pip"), *arguments]
        subprocess.run(command, env=self.environment(), capture_output=True, check=True)

    def versions(self) -> dict[str, str]:
        """Return what is installed in the environment."""
        code = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        listed = subprocess.run([self.venv / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
        return dict(entry.split("==") for entry in listed.stdout.split())


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for name in REAL:
        pack_installed(folder, name)
    for number in ("0.9", "1.0", "1.1"):
        pack_leaf(folder, number)
    pack_leaf(folder, "3.0", "extra")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, wheels: Path) -> Checkout:
    return Checkout(tmp_path / "checkout", wheels)


@pytest.mark.slow
def test_set_up_installs_what_is_locked_then_does_nothing_and_keeps_what_a_user_installs(
    checkout: Checkout,
) -> None:
    first = checkout.set_up()
    assert first.returncode == 0, first.stderr
    assert checkout.versions()["leaf"] == "1.0"
    assert {"pip", "pkg_one", "uv"} <= set(checkout.versions())

    second = checkout.set_up(PIP_FIND_LINKS="/nowhere")
    assert (second.returncode, second.stderr) == (0, "")

    checkout.pip("install", "leaf==1.1", "extra")
    checkout.add_member("pkg_two", '"leaf"')
    third = checkout.set_up(PIP_FIND_LINKS="/nowhere")
    assert third.returncode == 0, third.stderr
    assert {"leaf": "1.1", "extra": "3.0", "pkg_two": "0.1"}.items() <= checkout.versions().items()

    checkout.pip("install", "leaf==0.9")
    checkout.add_member("pkg_two")
    fourth = checkout.set_up()
    assert fourth.returncode == 0, fourth.stderr
    assert checkout.versions()["leaf"] == "1.0"
    assert checkout.versions()["extra"] == "3.0"


@pytest.mark.slow
def test_a_package_with_missing_files_is_installed_again(checkout: Checkout) -> None:
    assert checkout.set_up().returncode == 0
    (module,) = checkout.venv.glob("lib/python3*/site-packages/leaf.py")
    whole = module.read_bytes()
    for broken in (None, b""):
        module.unlink()
        if broken is not None:
            module.write_bytes(broken)
        checkout.stamp.unlink()  # as after an interrupted set-up
        done = checkout.set_up()
        assert done.returncode == 0, done.stderr
        assert "installing 1 locked packages: leaf" in done.stderr
        assert module.read_bytes() == whole


@pytest.mark.slow
def test_a_user_s_edit_of_an_installed_file_stays(checkout: Checkout) -> None:
    assert checkout.set_up().returncode == 0
    (module,) = checkout.venv.glob("lib/python3*/site-packages/leaf.py")
    module.write_text("VERSION = 'edited by hand'\n", encoding="utf-8")
    checkout.add_member("pkg_two")
    assert checkout.set_up().returncode == 0
    assert "edited" in module.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_set_up_that_was_killed_is_not_believed(checkout: Checkout) -> None:
    command = [str(checkout.root / "tools" / "setup.sh")]
    process = subprocess.Popen(
        command,
        env=checkout.environment(),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    while not (checkout.venv / "bin").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not checkout.stamp.exists()

    again = checkout.set_up()
    assert again.returncode == 0, again.stderr
    assert "making .venv anew: its first set-up was interrupted" in again.stderr
    assert checkout.versions()["leaf"] == "1.0"


@pytest.mark.slow
def test_an_environment_whose_python_is_gone_or_that_was_moved_is_made_anew(checkout: Checkout) -> None:
    assert checkout.set_up().returncode == 0
    python = checkout.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    mended = checkout.set_up()
    assert "making .venv anew: its Python doesn't run" in mended.stderr
    assert mended.returncode == 0

    checkout.root = checkout.root.rename(checkout.root.with_name("elsewhere"))
    checkout.venv = checkout.root / ".venv"
    moved = checkout.set_up()
    assert "making .venv anew: it was made in another folder" in moved.stderr
    assert moved.returncode == 0
    assert checkout.versions()["pkg_one"] == "0.1"


@pytest.mark.slow
def test_two_set_ups_at_once_make_one_environment(checkout: Checkout) -> None:
    with_threads: list[subprocess.CompletedProcess[str]] = []
    threads = [threading.Thread(target=lambda: with_threads.append(checkout.set_up())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done.returncode for done in with_threads] == [0, 0]
    assert sum("creating .venv" in done.stderr for done in with_threads) == 1


@pytest.mark.slow
def test_a_file_other_than_the_locked_one_is_refused_and_leaves_no_stamp(checkout: Checkout) -> None:
    lock = checkout.root / "requirements.lock"
    right = lock.read_text(encoding="utf-8")
    lock.write_text(re.sub(r"(leaf==1.0[^:]*:)\w{64}", r"\g<1>" + 64 * "0", right), encoding="utf-8")
    refused = checkout.set_up()
    assert refused.returncode == 3
    assert "hash" in refused.stderr.lower()
    assert not checkout.stamp.exists()

    lock.write_text(right, encoding="utf-8")
    assert checkout.set_up().returncode == 0


def test_a_shim_without_a_version_is_passed_over_and_no_python_at_all_is_told(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    for tool in ("dirname", "sh"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    command = ["/bin/sh", str(ROOT / "tools" / "setup.sh")]
    none = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert none.returncode == 3
    assert "found no Python 3.11 or newer" in none.stderr
    assert "make setup PYTHON=" in none.stderr


def test_a_python_named_by_hand_that_is_unfit_is_told() -> None:
    command = [str(ROOT / "tools" / "setup.sh")]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": "/nowhere/python3"}
    unfit = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert unfit.returncode == 3
    assert "PYTHON=/nowhere/python3 doesn't run" in unfit.stderr


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder as a package index that pip's settings name."""
    folder = tmp_path / "index" / "pip"
    folder.mkdir(parents=True)
    handler = functools.partial(_Quiet, directory=str(folder.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield folder
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_python_without_ensurepip_gets_the_locked_pip(
    index: Path, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = pack_installed(index, "pip")
    lock = checkout.root / "requirements.lock"
    lock.write_text(lock.read_text(encoding="utf-8") + lock_line(wheel), encoding="utf-8")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    workspace = Workspace(checkout.root)
    set_up.create_venv(workspace)
    assert checkout.versions() == {"pip": version("pip")}
    assert set_up.why_unusable(workspace) == "its first set-up was interrupted"


def test_a_pip_that_differs_from_the_locked_one_or_is_absent_is_refused(index: Path, tmp_path: Path) -> None:
    with pytest.raises(fetch_pip.FetchError, match=r"has no pip-9.9-py3-none-any.whl"):
        fetch_pip.fetch_pip("pip==9.9 --hash=sha256:00", tmp_path)
    (index / "pip-9.9-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(fetch_pip.FetchError, match="its hash differs"):
        fetch_pip.fetch_pip(f"pip==9.9 --hash=sha256:{64 * '0'}", tmp_path)
    entry = f"pip==9.9 --hash=sha256:{hashlib.sha256(b'something else').hexdigest()}"
    assert fetch_pip.fetch_pip(entry, tmp_path).read_bytes() == b"something else"


def test_an_index_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", tmp_path.as_uri())
    with pytest.raises(fetch_pip.FetchError, match="can't fetch file:"):
        fetch_pip.fetch_pip("pip==9.9 --hash=sha256:00", tmp_path)


def test_uv_looks_where_pip_is_set_to_look() -> None:
    settings = {"index-url": ["https://mirror/simple"], "extra-index-url": ["https://a", "https://b"]}
    assert install_locked.index_options(settings) == [
        *("--default-index", "https://mirror/simple", "--index", "https://a", "--index", "https://b"),
        *("--index-strategy", "unsafe-best-match"),
    ]
    assert install_locked.index_options({}) == []
    assert install_locked.index_options({"no-index": ["true"]})[0] == "--no-index"


def test_uv_trusts_the_certificate_that_pip_is_given_unless_it_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert install_locked.uv_environment({"cert": ["/a.pem"]})["SSL_CERT_FILE"] == "/a.pem"
    monkeypatch.setenv("SSL_CERT_FILE", "/b.pem")
    assert install_locked.uv_environment({"cert": ["/a.pem"]})["SSL_CERT_FILE"] == "/b.pem"


def test_the_lock_files_agree_and_name_no_index_but_the_public_one() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    packages = tomllib.loads(text)["package"]
    locked = {package["name"]: package["version"] for package in packages if "registry" in package["source"]}
    entries = locked_entries(ROOT / "requirements.lock")
    assert {name: re.split(r"[=; ]+", entry)[1] for name, entry in entries.items()} == locked
    assert all("--hash=sha256:" in entry for entry in entries.values())
    assert not re.search(r"\w://|--find-links|--index", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    hosts = set(re.findall(r"\w+://([^/\"]+)", text))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
    assert not [name for name, number in locked.items() if "+" in number]


def test_the_lock_files_hold_all_that_the_packages_ask_for() -> None:
    workspace = Workspace(ROOT)
    own = {canonicalize_name(member.name) for member in workspace.members()}
    entries = locked_entries(workspace.lock)
    for requirement in install_locked.own_requirements(workspace):
        name = canonicalize_name(requirement.name)
        if name not in own:
            assert name in entries, f"{name} isn't locked: run `make lock`"
            number = re.split(r"[=; ]+", entries[name])[1]
            assert requirement.specifier.contains(number), f"{requirement} isn't what is locked: run `make lock`"


def test_uv_s_lock_file_knows_what_each_package_asks_for() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    known = {package["name"]: package.get("metadata", {}).get("requires-dist", []) for package in packages}
    for member in Workspace(ROOT).members():
        project = tomllib.loads((member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = [text for texts in project.get("optional-dependencies", {}).values() for text in texts]
        asked = {canonicalize_name(Requirement(text).name) for text in (*project["dependencies"], *extras)}
        assert asked == {each["name"] for each in known[project["name"]]}, f"{member.name}: run `make lock`"


def test_the_checkers_settings_name_all_packages() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    sources = {str(member.relative_to(ROOT) / "src") for member in Workspace(ROOT).members()}
    assert sources <= {path.partition("/")[2] for path in settings["mypy"]["mypy_path"]}
    names = {member.name for member in Workspace(ROOT).members()}
    assert names <= set(settings["ruff"]["lint"]["isort"]["known-first-party"])
