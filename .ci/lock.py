"""Write the pins: requirements*.lock and environment.yml, from what is installed in the running environment.

    make lock        (after changing the ranges in pyproject.toml and installing what they ask for)

The walk starts at pyproject.toml and follows each package's own requirements on Linux, for every Python the study
supports. Nothing is looked up anywhere else. `--check` only says whether the files are up to date.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = ("test", "bench")  # flash-attn is compiled on the machine that wants it, so it is not pinned
HEAD = "# Made by `make lock` from pyproject.toml; do not edit by hand.\n"
CONDA_HEAD = """\
# The same pins as requirements.lock, for conda users: conda env create -f environment.yml
# Made by `make lock`; do not edit by hand.
name: studylib
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pins(requirements: Iterable[str]) -> dict[str, str]:
    """Version of every package that ``requirements`` need, their needs included, by canonical name."""
    found: dict[str, str] = {}
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{wanted} is not installed here, so its version is not known; install it, then run this again")
        public = package.version.split("+")[0]  # "+cpu" names a build for one kind of machine, not a version
        if not wanted.specifier.contains(public, prereleases=True):
            sys.exit(f"{name} {public} is installed but {wanted} is asked for; install that, then run this again")
        found[name] = public
        waiting += [one for one in map(Requirement, package.requires or ()) if _applies(one, extras)]
    return dict(sorted(found.items()))


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    """Whether a requirement holds on Linux for any supported Python, with any of the extras."""
    if requirement.marker is None:
        return True
    linux = default_environment() | {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    pythons = [linux | {"python_version": one, "python_full_version": f"{one}.0"} for one in PYTHONS]
    return any(requirement.marker.evaluate(one | {"extra": extra}) for one in pythons for extra in ("", *extras))


def contents() -> dict[str, str]:
    """What each file should hold, by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]
    # setuptools too: the study itself is installed with what is there, without a build environment of its own.
    base = pins([*asked["dependencies"], *project["build-system"]["requires"]])
    lines = [f"{name}=={version}" for name, version in base.items()]
    files = {
        "requirements.lock": HEAD + "".join(f"{line}\n" for line in lines),
        "environment.yml": CONDA_HEAD + "".join(f"      - {line}\n" for line in [*lines, "-e ."]),
    }
    for extra in EXTRAS:
        more = {
            name: version
            for name, version in pins(asked["optional-dependencies"][extra]).items()
            if base.get(name) != version
        }
        pinned = "".join(f"{name}=={version}\n" for name, version in more.items())
        files[f"requirements-{extra}.lock"] = f"{HEAD}-r requirements.lock\n{pinned}"
    return files


def main() -> int:
    stale = []
    for name, content in contents().items():
        path = ROOT / name
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        stale.append(name)
        if "--check" not in sys.argv[1:]:
            path.write_text(content, encoding="utf-8")
    print(("out of date: " if "--check" in sys.argv[1:] else "written: ") + ", ".join(stale) if stale else "up to date")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
