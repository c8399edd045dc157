"""What a repository itself says of its files: which it ignores, and which are generated or vendored.

Only the repository's own .gitignore and .gitattributes files count, not those of the user who runs this.
"""

import os
from pathlib import Path

from pipelines.source import git

_OWN = {"core.excludesFile": os.devnull, "core.attributesFile": os.devnull}
_ATTRIBUTES = {"linguist-generated": "generated", "linguist-vendored": "vendored"}
_VALUES = {b"set": True, b"true": True, b"unset": False, b"false": False}


def is_ignored(root: Path) -> set[bytes]:
    """The tracked paths that a .gitignore file matches: added by force, or before the pattern was."""
    listed = git.run_git(
        root, "ls-files", "--cached", "--ignored", "--exclude-per-directory=.gitignore", "-z", settings=_OWN
    )
    return {path for path in listed.split(b"\0") if path}


def read_attributes(root: Path, paths: list[bytes]) -> dict[bytes, dict[str, bool]]:
    """Path → "generated" and "vendored", each as `linguist-generated` and `linguist-vendored` are set or unset.

    What no attribute says is absent, as is a path of which none says anything.
    """
    asked = b"".join(path + b"\0" for path in paths)
    told = git.run_git(root, "check-attr", "--stdin", "-z", *_ATTRIBUTES, stdin=asked, settings=_OWN).split(b"\0")
    found: dict[bytes, dict[str, bool]] = {}
    for path, attribute, value in zip(told[0::3], told[1::3], told[2::3], strict=False):
        if value in _VALUES:
            found.setdefault(path, {})[_ATTRIBUTES[attribute.decode()]] = _VALUES[value]
    return found
