"""Under which licence a file stands: its own SPDX line, else the repository's licence file, else unknown.

Phrases are those of the texts at https://spdx.org/licenses/. What a text does not say (only, or later) is left open.
"""

import re

UNKNOWN = "unknown"
FILE_NAME = re.compile(r"^(?:un)?licen[cs]e|^copying", re.IGNORECASE)
HEADER_LINES = 20

_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() -]+)")
_BSD = "redistribution and use in source and binary forms, with or without modification"
# In this order: the longer texts quote the shorter ones' names.
_PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AGPL-3.0", ("gnu affero general public license version 3",)),
    ("LGPL-3.0", ("gnu lesser general public license version 3",)),
    ("LGPL-2.1", ("gnu lesser general public license version 2.1",)),
    ("GPL-3.0", ("gnu general public license version 3",)),
    ("GPL-2.0", ("gnu general public license version 2",)),
    ("MPL-2.0", ("mozilla public license version 2.0",)),
    ("Apache-2.0", ("apache license version 2.0",)),
    ("BSD-3-Clause", (_BSD, "endorse or promote products")),
    ("BSD-2-Clause", (_BSD,)),
    ("MIT", ("permission is hereby granted, free of charge, to any person obtaining a copy",)),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software for any purpose",)),
    ("ISC", ("permission to use, copy, modify, and distribute this software for any purpose",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
)
_TITLE_CHARS = 600
_TITLED = ("AGPL", "LGPL", "GPL", "MPL", "Apache")


def of_header(text: str) -> str:
    """The SPDX expression in the first lines of a file, or ""."""
    found = _SPDX.search("\n".join(text.split("\n", HEADER_LINES)[:HEADER_LINES]))
    return found.group(1).strip(" -") if found else ""


def of_text(text: str) -> str:
    """The SPDX identifier of a licence text, by its standard phrases; "" when none is recognised."""
    words = re.sub(r"\s+", " ", text.lower())
    title = words[:_TITLE_CHARS].replace("license, version", "license version")
    for name, phrases in _PHRASES:
        where = title if name.startswith(_TITLED) else words
        if all(phrase in where for phrase in phrases):
            return name
    return ""


def is_license_file(path: str) -> bool:
    """Whether a path is a licence file at the top of a repository."""
    return "/" not in path and FILE_NAME.match(path) is not None


def of_project(texts: list[str]) -> str:
    """The licence of a repository from its licence files: alternatives joined by OR, or "unknown"."""
    names = sorted({name for name in map(of_text, texts) if name})
    return " OR ".join(names) or UNKNOWN
