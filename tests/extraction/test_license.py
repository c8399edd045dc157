"""A licence is what the file says, else what the repository's licence file says."""

import pytest

from pipelines.extraction.license import is_license_file, of_header, of_project, of_text

BSD = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted"
TEXTS = {
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a\ncopy of this software",
    "Apache-2.0": "Apache License\n   Version 2.0, January 2004\n",
    "BSD-2-Clause": BSD,
    "BSD-3-Clause": BSD + " ... may be used to endorse or promote products derived",
    "ISC": "Permission to use, copy, modify, and/or distribute this software for any\npurpose with or without fee",
    "MPL-2.0": "Mozilla Public License Version 2.0\n====",
    "GPL-2.0": "GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991\n"
    + "x" * 900
    + "GNU Lesser General Public License",
    "GPL-3.0": "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007\n",
    "LGPL-2.1": "GNU LESSER GENERAL PUBLIC LICENSE\n   Version 2.1, February 1999\n",
    "LGPL-3.0": "GNU LESSER GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007\n GNU General Public License version 3",
    "AGPL-3.0": "GNU AFFERO GENERAL PUBLIC LICENSE\n   Version 3, 19 November 2007\n",
    "Unlicense": "This is free and unencumbered software released into the public domain.",
    "": "All rights reserved.",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_license_text_is_told_by_its_phrases(name):
    assert of_text(TEXTS[name]) == name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("# SPDX-License-Identifier: MIT", "MIT"),
        ("/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */", "(GPL-2.0-only OR BSD-3-Clause)"),
        ("<!-- SPDX-License-Identifier: Apache-2.0 -->", "Apache-2.0"),
        ("# no licence", ""),
    ],
)
def test_a_header_states_its_license(line, name):
    assert of_header(f"#!/bin/sh\n{line}\ncode\n") == name


def test_a_header_counts_only_in_the_first_lines():
    assert of_header("\n" * 20 + "# SPDX-License-Identifier: MIT\n") == ""


def test_two_license_files_are_alternatives_and_none_is_unknown():
    assert of_project([TEXTS["MIT"], TEXTS["Apache-2.0"]]) == "Apache-2.0 OR MIT"
    assert of_project([TEXTS[""]]) == of_project([]) == "unknown"


@pytest.mark.parametrize(
    ("path", "is_one"),
    [("LICENSE", True), ("licence.txt", True), ("COPYING.md", True), ("UNLICENSE", True), ("vendor/LICENSE", False)],
)
def test_license_files_lie_at_the_top(path, is_one):
    assert is_license_file(path) is is_one
