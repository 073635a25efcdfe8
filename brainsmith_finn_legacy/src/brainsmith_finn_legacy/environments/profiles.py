"""The FINN environments that can be installed: what goes in, what is left out, which Python they need."""

from __future__ import annotations

import hashlib
from importlib import resources

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.converters import to_tuple

__all__ = ["DEFAULT_VERSION", "PROFILES", "FINNVersionManager", "Profile", "PythonVersion", "environment_name"]

DEFAULT_VERSION = "1.6.1"

#: Major and minor version of Python.
PythonVersion = tuple[int, int]

# PyTorch's build without CUDA: the one on the package index brings gigabytes of libraries for GPUs along. It isn't
# on the package index but on PyTorch's own; its hash is that of the file for Python 3.11 on x86-64.
_TORCH = (
    "torch==2.13.0+cpu",
    "sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
)
_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


@attrs.frozen(kw_only=True)
class Extra:
    """A locked package that the package index doesn't have.

    Args:
        requirement: name and exact version.
        hash: of the one file that is accepted.
        index: the URL of the index that has it; looked at only if the package index hasn't got it.
    """

    requirement: str
    hash: str
    index: str


def environment_name(version: str, profile: str) -> str:
    """Return what a managed environment is called unless another name is asked for.

    Example:
        >>> environment_name("1.6.1", "full")
        'finn-plus-1.6.1-full'
    """
    return f"finn-plus-{version}" + ("" if profile == "small" else f"-{profile}")


@attrs.frozen(kw_only=True)
class Profile:
    """A FINN environment that can be installed.

    Args:
        version: of FINN+.
        profile: `small` leaves out what FINN's flow imports but doesn't use, or never imports; `full` has all.
        requirements: what was locked, for the next time that it is.
        left_out: dependencies that aren't installed.
        pythons: the versions of Python that it was tried with, the best one first.
        megabytes: about how much room it takes.
        extra: what has to come from another index.
    """

    version: str
    profile: str
    requirements: tuple[str, ...] = attrs.field(converter=to_tuple)
    left_out: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    pythons: tuple[PythonVersion, ...] = attrs.field(converter=to_tuple)
    megabytes: int
    extra: Extra | None = None

    @property
    def name(self) -> str:
        """The environment's name unless another is asked for."""
        return environment_name(self.version, self.profile)

    @property
    def title(self) -> str:
        """The name for people, such as `FINN+ 1.6.1 (small profile)`."""
        return f"FINN+ {self.version} ({self.profile} profile)"

    @property
    def lock_name(self) -> str:
        """The lock file's name."""
        return f"finn-plus-{self.version}-{self.profile}.txt"

    def lock(self) -> str:
        """Return the lock file's text: every package with its exact version and the hashes of its files."""
        folder = resources.files("brainsmith_finn_legacy") / "locks"
        return (folder / self.lock_name).read_text(encoding="utf-8")

    def lock_sha256(self) -> str:
        """Return a digest of the lock file."""
        return hashlib.sha256(self.lock().encode()).hexdigest()


#: What to do about a FINN that we can't install.
_OTHERS = "any other FINN: get its source tree, then brainsmith finn check PATH --python INTERPRETER"

_SMALL = ("brevitas", "torch", "cbcbox", "matplotlib", "netron")
_NEWER = ((3, 11), (3, 12), (3, 13))

PROFILES = (
    Profile(
        version="1.6.1",
        profile="small",
        requirements=("finn-plus==1.6.1", "jinja2", "psutil"),
        left_out=_SMALL,
        pythons=_NEWER,
        megabytes=650,
    ),
    Profile(
        version="1.6.1",
        profile="full",
        # What follows psutil is what PyTorch needs; Brevitas and PyTorch disagree about setuptools.
        requirements=("finn-plus==1.6.1", "jinja2", "psutil", "filelock", "fsspec", "setuptools<70"),
        left_out=("torch",),
        pythons=((3, 11),),
        megabytes=2200,
        extra=Extra(requirement=_TORCH[0], hash=_TORCH[1], index=_TORCH_INDEX),
    ),
    Profile(
        version="1.5.0",
        profile="small",
        requirements=("finn-plus==1.5.0", "jinja2", "psutil"),
        left_out=_SMALL,
        pythons=_NEWER,
        megabytes=600,
    ),
    Profile(
        version="1.4.0",
        profile="small",
        # It imports SciPy and onnx-passes without declaring them; there's no onnx-passes for Python 3.10.
        requirements=("finn-plus==1.4.0", "jinja2", "psutil", "scipy", "onnx-passes ; python_version >= '3.11'"),
        left_out=_SMALL,
        pythons=((3, 11), (3, 10)),
        megabytes=650,
    ),
)


class FINNVersionManager:
    """Knows which versions of FINN+ can be installed, and in which profiles."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions, the default one first."""
        return tuple(dict.fromkeys(profile.version for profile in PROFILES))

    def profile(self, version: str, *, full: bool = False) -> Profile:
        """Return the profile to install.

        Args:
            version: such as `1.6.1`.
            full: with everything that FINN+ declares.

        Raises:
            ConfigurationError: there's no such version, or no such profile of it.

        Example:
            >>> FINNVersionManager().profile("1.6.1").name
            'finn-plus-1.6.1'
        """
        wanted = version.removeprefix("finn-plus-").removeprefix("v")
        found = [each for each in PROFILES if each.version == wanted]
        if not found:
            text = f'FINN+ "{version}" can\'t be installed; {did_you_mean(wanted, self.versions)}'
            raise ConfigurationError(text, hint=_OTHERS)
        for each in found:
            if (each.profile == "full") == full:
                return each
        text = f"there is no full profile of FINN+ {wanted}"
        with_full = ", ".join(each.version for each in PROFILES if each.profile == "full")
        raise ConfigurationError(text, hint=f"install the small one, or a version that has one: {with_full}")

    def find(self, version: str, profile: str) -> Profile | None:
        """Return the profile of that version and name, or None."""
        return next((each for each in PROFILES if (each.version, each.profile) == (version, profile)), None)

    def named(self, name: str) -> Profile | None:
        """Return the profile whose environment has this name or version, or None."""
        by_name = [each for each in PROFILES if name in (each.name, each.version)]
        return by_name[0] if by_name else None
