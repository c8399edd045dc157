"""Where tests lie, and what lies beside them: by paths alone."""

import re
from pathlib import PurePosixPath

# How pytest, go test, Jest, Vitest, Mocha, JUnit, Cargo, RSpec, minitest, PHPUnit, NUnit and GoogleTest are used.
_FOLDER = re.compile(r"(?:.*[._-])?[Tt]ests?|[Ss]pecs?|__tests__|.*[a-z0-9]Tests?")
_FILE = re.compile(
    r"conftest|test_.+|.+[._-](?:unit)?tests?|.+[._-]spec"  # test_core, core_test, core.spec
    r"|.*[a-z0-9](?:Tests?|TestCase|Spec)|Test[A-Z].*"  # CoreTest, TestCore
)
# Folders that only lay a project out: a test and its subject may differ in them and still be one package.
LAYOUT = frozenset(["src", "lib", "main", "test", "tests", "spec", "specs", "__tests__"])
STANDS_FOR_ITS_FOLDER = frozenset(["__init__", "index", "lib", "main", "mod"])


def is_test(path: str) -> bool:
    """Whether a file is part of the tests, by its folders and its name."""
    file = PurePosixPath(path)
    return any(map(_FOLDER.fullmatch, file.parent.parts)) or _FILE.fullmatch(file.stem) is not None


def package_of(path: str) -> tuple[str, ...]:
    """The folders of a path but those that only lay the project out: the same for `src/test/java/shop/CartTest.java`
    and `src/main/java/shop/Cart.java`."""
    return tuple(part for part in PurePosixPath(path).parent.parts if part not in LAYOUT)
