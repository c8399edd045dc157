"""A notebook is read as Python whose lines are those of the file."""

import json

import pytest

from pipelines.syntax.chunks import split_chunks
from pipelines.syntax.dialects import open_dialect
from pipelines.syntax.languages import language_named, language_of
from pipelines.syntax.notebooks import UnreadableNotebook, render
from pipelines.syntax.parser import is_valid
from pipelines.syntax.symbols import find_symbols

NOTEBOOK = language_of("trial.ipynb")


def written(*cells: tuple[str, str], language: str = "python", **how) -> bytes:
    """A notebook as Jupyter writes it: an indentation of 1, keys in order."""
    made = [
        {"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
        | ({"execution_count": 1, "outputs": [{"name": "stdout", "text": ["x = 1\n"] * 30}]} if kind == "code" else {})
        for number, (kind, text) in enumerate(cells)
    ]
    metadata = {"kernelspec": {"language": language, "name": "k"}, "language_info": {"name": language}}
    notebook = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(notebook, **({"indent": 1, "sort_keys": True, "ensure_ascii": False} | how)) + "\n").encode()


TRIAL = written(
    ("markdown", "# Prices\n\nHow they *add* up.\n"),
    ("code", "%matplotlib inline\nimport numpy as np\n\nif True:\n    !ls /tmp\n"),
    ("code", 'def total(prices):\n    """Adds "prices" up: é."""\n    return sum(prices)\n'),
    ("code", "%%bash\nfor name in *; do echo $name; done\n"),
    ("code", "rest = (7\n        %two)\n"),
    ("raw", "as it is\n"),
    ("code", ""),
)


def test_every_line_stands_where_the_file_has_it():
    lines, raw = render(TRIAL).decode().split("\n"), TRIAL.decode().split("\n")
    assert len(lines) == len(raw)
    for line, there in zip(lines, raw, strict=True):
        bare = line.removeprefix("    pass  ").removeprefix("#").strip()
        assert line.startswith("# %%") or json.dumps(bare, ensure_ascii=False)[1:-1] in there
    assert [line for line in lines if line.startswith("# %% ")] == [
        "# %% 1 [markdown]",
        "# %% 2",
        "# %% 3",
        "# %% 4",
        "# %% 5",
        "# %% 6",
    ]


def test_all_of_it_is_python_and_outputs_are_no_part_of_it():
    text = render(TRIAL)
    assert is_valid(text, language_named("python"))
    assert b"x = 1" not in text
    assert b"        %two)" in text
    assert b"# for name in *" in text
    assert b"    pass  # !ls /tmp" in text


def test_symbols_and_passages_have_the_lines_of_the_file():
    text, language = open_dialect(TRIAL, NOTEBOOK)
    raw = TRIAL.decode().split("\n")
    (total,) = find_symbols(text, language)
    assert (language.name, total.qualified_name, total.doc) == ("python", "total", 'Adds "prices" up: é.')
    assert '"def total(prices):\\n"' in raw[total.start_line - 1]
    assert '"    return sum(prices)\\n"' in raw[total.end_line - 1]
    (passage,) = [chunk for chunk in split_chunks(text, language, 400, 0) if "How they" in chunk.text]
    assert any('"How they *add* up.' in line for line in raw[passage.start_line - 1 : passage.end_line])
    assert text[passage.start_byte : passage.end_byte].decode() == passage.text
    assert all("\n" * 10 not in chunk.text for chunk in split_chunks(text, language, 1600, 0))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"{", "not JSON"),
        (b"\xff{}", "not JSON in UTF-8"),
        (b"[1]", "no cells"),
        (b'{"worksheets": []}', "no cells"),
        (written(("code", "1\n"), language="julia"), "julia"),
        (written(("code", "a = 1\nb = 2\n"), indent=None), "lines of the file"),
        (json.dumps({"cells": [{"cell_type": "code", "source": "a = 1\nb = 2\n"}]}, indent=1).encode(), "lines of the"),
    ],
)
def test_a_notebook_whose_lines_cannot_be_told_is_not_read(source, why):
    with pytest.raises(UnreadableNotebook, match=why):
        render(source)


def test_a_cell_of_one_string_and_one_line_is_read():
    source = json.dumps({"cells": [{"cell_type": "code", "source": "a = 1"}]}, indent=1).encode()
    lines = render(source).decode().split("\n")
    assert lines[source.decode().split("\n").index('   "source": "a = 1"')] == "a = 1"
