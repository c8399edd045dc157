"""Under which licence a file stands: its own header, else the repository's licence file, else unknown; what is allowed.

Phrases are those of the texts at https://spdx.org/licenses/. What a text does not say (only, or later) is left open.
"""

import re
from typing import Any

UNKNOWN = "unknown"
FILE_NAME = re.compile(r"^(?:un)?licen[cs]e|^copying", re.IGNORECASE)
HEADER_LINES = 20
NOTICE_CHARS = 4_000

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
_COMMENTS = re.compile(r'''(?:\s|\ufeff|(?:#|//|--|;)[^\n]*|/\*.*?\*/|<!--.*?-->|""".*?"""|"[^"\n]*")*+''', re.DOTALL)
_MARKS = re.compile(r"^[\s#/*;!-]+", re.MULTILINE)
_VERSION = re.compile(
    r"license,? (?:as published by the free software foundation[,;:]? )?(?:either )?(?:version|v\.?) ?(?=\d)"
)
_TITLED = ("AGPL", "LGPL", "GPL", "MPL", "Apache")


def read_header(text: str) -> str:
    """The SPDX expression in the first lines of a file, else the licence that its leading comments name, or ""."""
    found = _SPDX.search("\n".join(text.split("\n", HEADER_LINES)[:HEADER_LINES]))
    if found:
        return found.group(1).strip(" -")
    notice = _COMMENTS.match(text[:NOTICE_CHARS])
    return classify_text(_MARKS.sub(" ", notice[0])) if notice else ""


def classify_text(text: str) -> str:
    """The SPDX identifier of a licence text, by its standard phrases; "" when none is recognised."""
    words = re.sub(r"\s+", " ", text.lower())
    title = _VERSION.sub("license version ", words[:_TITLE_CHARS])
    for name, phrases in _PHRASES:
        where = title if name.startswith(_TITLED) else words
        if all(phrase in where for phrase in phrases):
            return name
    return ""


def is_license_file(path: str) -> bool:
    """Whether a path is a licence file at the top of a repository."""
    return "/" not in path and FILE_NAME.match(path) is not None


def read_project_license(texts: list[str]) -> str:
    """The licence of a repository from its licence files: alternatives joined by OR, or "unknown"."""
    names = sorted({name for name in map(classify_text, texts) if name})
    return " OR ".join(names) or UNKNOWN


def is_allowed(expression: str, allowed: list[str]) -> bool:
    """Whether an SPDX expression can be satisfied with allowed licences only.

    Of `OR` one side must be allowed, of `AND` both. `A WITH B` is allowed when it is listed as it stands or `A` is: an
    exception only permits more. What cannot be parsed is not allowed.

    Args:
        expression: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
        allowed: identifiers or `A WITH B`, in any case of letters.
    """
    from license_expression import ExpressionError, ExpressionParseError, Licensing

    try:
        parsed = Licensing().parse(expression)
    except (ExpressionError, ExpressionParseError):
        return False
    return parsed is not None and _is_satisfied(parsed, {" ".join(name.lower().split()) for name in allowed})


def _is_satisfied(part: Any, allowed: set[str]) -> bool:
    from license_expression import LicenseWithExceptionSymbol

    if part.isliteral:
        base = part.license_symbol if isinstance(part, LicenseWithExceptionSymbol) else part
        return part.render().lower() in allowed or base.key.lower() in allowed
    combine = any if part.operator.strip() == "OR" else all
    return combine(_is_satisfied(side, allowed) for side in part.args)
