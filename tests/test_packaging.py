"""What an installation brings: the versions that were tested, their files by hash, and the package's own files."""

import re
import tomllib

from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PIN = re.compile(r"([A-Za-z0-9_.-]+)==([^ \\;]+)")


def pins(name):
    found = (PIN.match(line) for line in (ROOT / name).read_text().splitlines())
    return {canonicalize_name(pin[1]): Version(pin[2]) for pin in found if pin}


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(one) for one in (*project["dependencies"], *project["optional-dependencies"]["dev"])]


def test_the_lock_has_every_pinned_version_but_torch():
    pinned = pins("constraints.txt")
    assert len(pinned) > 200
    assert pins("requirements.lock") == {name: pin for name, pin in pinned.items() if name != "torch"}, (
        "run `make lock`"
    )


def test_every_locked_package_has_a_hash():
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    assert len(blocks) > 200
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_dependency_is_pinned_and_its_lower_bound_is_a_version_that_was_tested():
    pinned = pins("constraints.txt")
    assert len(requirements()) > 50
    for one in requirements():
        assert any(bound.operator == ">=" for bound in one.specifier), one
        assert pinned[canonicalize_name(one.name)] in one.specifier, one
