"""A licence is what the file says, else what the repository's licence file says."""

import pytest

from pipelines.cleaning.clean import clean
from pipelines.cleaning.license import classify_text, is_allowed, is_license_file, read_header, read_project_license
from pipelines.config.schema import Cleaning

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
    assert classify_text(TEXTS[name]) == name


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
    assert read_header(f"#!/bin/sh\n{line}\ncode\n") == name


def test_a_header_counts_only_in_the_first_lines():
    assert read_header("\n" * 20 + "# SPDX-License-Identifier: MIT\n") == ""


def test_two_license_files_are_alternatives_and_none_is_unknown():
    assert read_project_license([TEXTS["MIT"], TEXTS["Apache-2.0"]]) == "Apache-2.0 OR MIT"
    assert read_project_license([TEXTS[""]]) == read_project_license([]) == "unknown"


@pytest.mark.parametrize(
    ("path", "is_one"),
    [("LICENSE", True), ("licence.txt", True), ("COPYING.md", True), ("UNLICENSE", True), ("vendor/LICENSE", False)],
)
def test_license_files_lie_at_the_top(path, is_one):
    assert is_license_file(path) is is_one


GPL_NOTICE = """/*
 * This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public
 * License as published by the Free Software Foundation, either version 3 of the License, or any later version.
 */
int main() {}
"""
APACHE_NOTICE = """#!/usr/bin/env python
# Copyright 2020 The Authors
#
# Licensed under the Apache License,
# Version 2.0 (the "License"); you may not use this file except in compliance with the License.
import os
"""


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (GPL_NOTICE, "GPL-3.0"),
        (APACHE_NOTICE, "Apache-2.0"),
        ("// This Source Code Form is subject to the terms of the Mozilla\n// Public License, v. 2.0.\n", "MPL-2.0"),
        (f"# {TEXTS['MIT']}\nx = 1\n".replace("\ncopy", "\n# copy"), "MIT"),
        (f"x = 1\n# {TEXTS['MIT']}\n".replace("\ncopy", "\n# copy"), ""),
        ('PHRASE = "gnu general public license version 2"\n', ""),
    ],
)
def test_a_header_without_an_spdx_line_is_told_by_its_leading_comment(header, name):
    assert read_header(header) == name


@pytest.mark.parametrize(
    ("expression", "allowed", "is_so"),
    [
        ("MIT", ["MIT"], True),
        ("mit", ["MIT"], True),
        ("GPL-3.0-only", ["MIT"], False),
        ("GPL-3.0-only OR MIT", ["MIT"], True),
        ("GPL-3.0-only AND MIT", ["MIT"], False),
        ("Apache-2.0 AND MIT", ["MIT", "Apache-2.0"], True),
        ("(GPL-2.0-only OR BSD-3-Clause) AND MIT", ["MIT", "BSD-3-Clause"], True),
        ("Apache-2.0 WITH LLVM-exception", ["Apache-2.0"], True),
        ("Apache-2.0 WITH LLVM-exception", ["Apache-2.0 WITH LLVM-exception"], True),
        ("Apache-2.0 WITH LLVM-exception", ["MIT"], False),
        ("GPL-2.0+", ["GPL-2.0"], False),
        ("MIT OR", ["MIT"], False),
        ("MIT Apache-2.0", ["MIT", "Apache-2.0"], False),
        ("see LICENSE (", ["MIT"], False),
    ],
)
def test_an_expression_is_allowed_when_it_can_be_satisfied(expression, allowed, is_so):
    assert is_allowed(expression, allowed) is is_so


def test_a_file_under_another_licence_is_kept_out_and_one_without_a_header_is_not():
    shipped = Cleaning(secrets="redact", personal="redact", ip_addresses=False, licenses=[])
    only_mit = shipped.model_copy(update={"licenses": ["MIT"]})
    theirs = b"# SPDX-License-Identifier: GPL-3.0-only\nx = 1\n"
    refused = clean(theirs, "a.py", only_mit).refused
    assert refused is not None
    assert refused.rule == "license"
    assert refused.reason == "its header states GPL-3.0-only, which cleaning.licenses does not allow"
    assert clean(theirs, "a.py", shipped).refused is None
    assert clean(b"x = 1\n", "a.py", only_mit).refused is None
    assert clean(GPL_NOTICE.encode(), "a.c", only_mit).refused is not None
