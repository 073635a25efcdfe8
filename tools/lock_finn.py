"""Write the lock files of the FINN environments anew: `.venv/bin/python tools/lock_finn.py [NAME...]` (network).

Each is resolved by uv against the public index, for Linux, without what the profile leaves out. The lock files hold
exact versions and hashes, and no URL.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from brainsmith_finn_legacy.environments.profiles import PROFILES, Profile

LOCKS = Path(__file__).parent.parent / "brainsmith_finn_legacy/src/brainsmith_finn_legacy/locks"
INDEX = "https://pypi.org/simple"
CPYTHON = "implementation_name == 'cpython' and sys_platform == 'linux' and platform_machine"
ENVIRONMENTS = [f"{CPYTHON} == '{machine}'" for machine in ("x86_64", "aarch64")]
MARKER = re.compile(r" ;(.*?)( \\)?$", re.MULTILINE)


def project(profile: Profile) -> str:
    """Return a project file that asks for what the profile holds."""
    first, last = min(profile.pythons), max(profile.pythons)
    absent = [f"{name} ; python_version < '3'" for name in profile.left_out]
    pinned = [each for each in profile.requirements if each.startswith("setuptools")]
    return "\n".join(
        (
            "[project]",
            f'name = "{profile.name}"',
            'version = "0"',
            f'requires-python = ">={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"',
            f"dependencies = {json.dumps(profile.requirements)}",
            "[tool.uv]",
            f"environments = {json.dumps(ENVIRONMENTS)}",
            f"override-dependencies = {json.dumps([*absent, *pinned])}",
        )
    )


def only_python(marker: re.Match[str]) -> str:
    """Return a marker with what it says of Python's version alone; all entries are for the same machines."""
    versions = set(re.findall(r"python_full_version [<>=]+ '[\d.]+'", marker[1]))
    if len(versions) > 1:
        raise ValueError(f"can't shorten {marker[0]}")
    return "".join(f" ; {each}" for each in versions) + marker[2]


def lock(profile: Profile) -> str:
    """Return the text of the profile's lock file."""
    uv = Path(sys.executable).with_name("uv")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(project(profile), encoding="utf-8")
        run = [str(uv), "--quiet", "--no-config", "--directory", folder]
        subprocess.run([*run, "lock", "--default-index", INDEX], env=environment, check=True)
        export = [*run, "export", "--frozen", "--no-emit-project", "--no-annotate", "--no-header"]
        text = subprocess.run(export, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    text = MARKER.sub(only_python, text)
    if profile.extra is not None:
        text += f"{profile.extra.requirement} \\\n    --hash={profile.extra.hash}\n"
    return text


def main(names: list[str]) -> None:
    """Lock the profiles of these names, or all."""
    for profile in PROFILES:
        if not names or profile.name in names:
            (LOCKS / profile.lock_name).write_text(lock(profile), encoding="utf-8")
            print(f"{profile.lock_name}: {len(profile.lock().splitlines())} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
