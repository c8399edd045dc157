"""A small repository in each language Nocturne reads: a few documented files, and a history that takes things back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from conftest import commit_all, git, make_repository

Write = Callable[[int], dict[str, str]]

_THINGS = ["crate", "rope", "anchor", "lantern", "barrel", "chart", "pilot", "tide", "buoy", "sail", "ferry", "crane"]
_PARTS = ["weight", "length", "depth", "price", "colour", "age", "distance", "angle", "speed", "width", "hour", "share"]
_SENTENCES = (
    "Sums the {part} of every {thing} that is above {high}, after a start of {low}.",
    "Gives back how much {part} each {thing} has when the harbour closes at {high}.",
    "Tells the clerk about the {part} once {low} boats have brought their {thing}.",
)


@dataclass(frozen=True)
class Function:
    """What one function of a repository is made of; `low` and `high` are numbers of its own."""

    name: str
    doc: str
    given: str
    item: str
    total: str
    low: int
    high: int


def functions(file: int) -> list[Function]:
    """The three functions of a file, by its number from 0; no two files have words in common that say much."""
    made = []
    for place in range(3):
        number = file * 3 + place
        thing, part = _THINGS[number % 12], _PARTS[(number * 5 + file) % 12]
        low, high = 100 + number * 3, 2000 + number * 7
        doc = _SENTENCES[place].format(thing=thing, part=part, low=low, high=high)
        name = f"{('sum', 'read', 'tell')[place]}{thing.title()}{part.title()}{'ABCDEFGHIJKL'[file]}"
        made.append(Function(name, doc, f"{thing}s", f"{thing}Now", f"{part}Then", low, high))
    return made


def stem(file: int) -> str:
    """The name of a file, and of the class in it where the language wants one."""
    return f"{_THINGS[file].title()}{_PARTS[file].title()}"


def _filled(template: str, function: Function) -> str:
    """A template in which `@name` and so on stand for a function's fields."""
    text = dedent(template).strip("\n")
    for field, value in vars(function).items():
        text = text.replace(f"@{field}", str(value))
    return text


def _code(ending: str, template: str, before: str = "", after: str = "", depth: int = 0) -> Write:
    """Files with the three functions one below the other; `@class` stands for the file's name."""

    def write(file: int) -> dict[str, str]:
        body = "\n\n".join(indent(_filled(template, one), " " * depth) for one in functions(file))
        text = "\n".join(part for part in (before, body, after) if part) + "\n"
        return {f"src/{stem(file)}{ending}": text.replace("@class", stem(file))}

    return write


_PYTHON = '''
    def @name(@given):
        """@doc"""
        @total = @low
        for @item in @given:
            if @item > @high:
                @total += @item.measured(@total)
        return @total
'''
_JAVASCRIPT = """
    /** @doc */
    export function @name(@given) {
      let @total = @low;
      for (const @item of @given) {
        if (@item > @high) { @total += @item.measured(@total); }
      }
      return @total;
    }
"""
_BRACES = """
    // @doc
    int @name(int *@given, int many) {
      int @total = @low;
      for (int @item = 0; @item < many; @item++) {
        if (@given[@item] > @high) { @total += measured(@given[@item], @total); }
      }
      return @total;
    }
"""
_TONEL = """
    { #category : #measuring }
    @class >> @name: @given [
        "@doc"
        | @total |
        @total := @low.
        @given do: [ :@item | @item > @high ifTrue: [ @total := @total + (@item measured: @total) ] ].
        ^ @total
    ]
"""
_BRACKETS = """
    @name: @given [
        "@doc"
        | @total |
        @total := @low.
        @given do: [ :@item | @item > @high ifTrue: [ @total := @total + (@item measured: @total) ] ].
        ^ @total
    ]
"""
_METHOD = """
    @name: @given
    \t"@doc"
    \t| @total |
    \t@total := @low.
    \t@given do: [ :@item | @item > @high ifTrue: [ @total := @total + (@item measured: @total) ] ].
    \t^ @total
"""
_SECTION = """
    ## About @name

    @doc
    The @item at @given is then counted as @total, from @low up to @high, and nobody is asked twice.
"""


def _filetree(file: int) -> dict[str, str]:
    folder = f"Harbour.package/{stem(file)}.class"
    methods = {f"{folder}/instance/{one.name}..st": f"measuring\n{_filled(_METHOD, one)}\n" for one in functions(file)}
    return {**methods, f"{folder}/README.md": f"I measure for {stem(file)}.\n"}


def _file_out(file: int) -> dict[str, str]:
    chunks = "!\n\n".join(_filled(_METHOD, one) for one in functions(file))
    head = f"Object subclass: #{stem(file)}\n\tinstanceVariableNames: ''\n\tcategory: 'Harbour'!"
    return {f"src/{stem(file)}.st": f"{head}\n\n!{stem(file)} methodsFor: 'measuring'!\n{chunks}! !\n"}


def _notebook(file: int) -> dict[str, str]:
    sources = [_filled(_PYTHON, one).splitlines(keepends=True) for one in functions(file)]
    cells = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in sources
    ]
    whole = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    return {f"src/{stem(file)}.ipynb": json.dumps(whole, indent=1) + "\n"}


def _prose(file: int) -> dict[str, str]:
    text = "\n\n".join(_filled(_SECTION, one) for one in functions(file))
    if file % 2:
        titles = [(line, line.removeprefix("## ")) for line in text.splitlines() if line.startswith("## ")]
        for line, title in titles:
            text = text.replace(line, f"{title}\n{'-' * len(title)}")
        return {f"docs/{stem(file)}.rst": f"{text}\n"}
    return {f"docs/{stem(file)}.md": f"# Harbour\n\n{text}\n"}


_GO = """
    // @name @doc
    func @name(@given []int) int {
    \t@total := @low
    \tfor _, @item := range @given {
    \t\tif @item > @high {
    \t\t\t@total += measured(@item, @total)
    \t\t}
    \t}
    \treturn @total
    }
"""
_RUST = """
    /// @doc
    pub fn @name(@given: &[i64]) -> i64 {
        let mut @total = @low;
        for @item in @given {
            if *@item > @high { @total += measured(*@item, @total); }
        }
        @total
    }
"""
_JAVA = """
    /** @doc */
    public int @name(int[] @given) {
        int @total = @low;
        for (int @item : @given) {
            if (@item > @high) { @total += measured(@item, @total); }
        }
        return @total;
    }
"""
_CSHARP = """
    /// <summary>@doc</summary>
    public int @name(int[] @given)
    {
        int @total = @low;
        foreach (int @item in @given)
        {
            if (@item > @high) { @total += Measured(@item, @total); }
        }
        return @total;
    }
"""
_RUBY = """
    # @doc
    def @name(@given)
      @total = @low
      @given.each do |@item|
        @total += @item.measured(@total) if @item > @high
      end
      @total
    end
"""
_PHP = """
    /** @doc */
    function @name(array $@given): int {
        $@total = @low;
        foreach ($@given as $@item) {
            if ($@item > @high) { $@total += $@item->measured($@total); }
        }
        return $@total;
    }
"""

# Language → what writes a file by its number, under the name that its records have.
CODE: dict[str, tuple[str, Write]] = {
    "python": ("python", _code(".py", _PYTHON)),
    "javascript": ("javascript", _code(".js", _JAVASCRIPT)),
    "typescript": ("typescript", _code(".ts", _JAVASCRIPT.replace("(@given)", "(@given: Thing[]): number"))),
    "java": ("java", _code(".java", _JAVA, "public class @class {", "}", 4)),
    "go": ("go", _code(".go", _GO, "package harbour")),
    "rust": ("rust", _code(".rs", _RUST)),
    "c": ("c", _code(".c", _BRACES, "#include <stdio.h>")),
    "c++": ("cpp", _code(".cpp", _BRACES, "namespace harbour {", "}")),
    "c#": ("csharp", _code(".cs", _CSHARP, "public class @class\n{", "}", 4)),
    "ruby": ("ruby", _code(".rb", _RUBY, "class @class", "end", 2)),
    "php": ("php", _code(".php", _PHP, "<?php")),
    "notebooks": ("python", _notebook),
    "smalltalk file-out": ("smalltalk", _file_out),
    "smalltalk Tonel": ("smalltalk", _code(".class.st", _TONEL, "Class { #name : #@class, #superclass : #Object }")),
    "smalltalk brackets": ("smalltalk", _code(".st", _BRACKETS, "Object subclass: @class [", "]", 4)),
    "smalltalk FileTree": ("smalltalk", _filetree),
}
PROSE: Write = _prose


def whole(write: Write, files: int = 8) -> dict[str, str]:
    """All files of a repository, by their paths."""
    return {path: text for file in range(files) for path, text in write(file).items()}


def with_history(folder: Path, write: Write, files: int = 8) -> Path:
    """A repository of some files in which a change was taken back, one was soon fixed, a file was renamed and one
    change lasted."""
    make_repository(folder, whole(write, files))

    def change(file: int, place: int, old: int, new: int, message: str) -> str:
        for path in (folder / name for name in write(file)):
            text = path.read_text()
            if str(functions(file)[place].high) in text or str(old) in text:
                path.write_text(_in_code(text, str(old), str(new)))
        return commit_all(folder, message)

    first, second, third = (functions(file)[0].high for file in range(3))
    taken_back = change(0, 0, first, 4001, "Count only what is above a bound that the harbour master gave")
    change(0, 0, 4001, first, f'Revert "Count only what is above"\n\nThis reverts commit {taken_back}.')
    change(1, 0, second, 5001, "Let the clerk begin to count much later in the day")
    change(1, 0, 5001, 5101, "Fix a wrong bound: what was just above it got lost")
    name = next(iter(write(2)))
    renamed = (folder / name).with_name(f"Old{Path(name).name}")
    git(folder, "mv", name, str(renamed))
    commit_all(folder, "Call the oldest measurements by their age")
    renamed.write_text(_in_code(renamed.read_text(), str(third), "6001"))
    commit_all(folder, "Raise the bound of the oldest measurements at last")
    return folder


def _in_code(text: str, old: str, new: str) -> str:
    """A text with a number replaced in code; documentation, which ends in a full stop or names it, stays."""
    lines = text.splitlines(keepends=True)
    return "".join(line if "that is above" in line else line.replace(old, new) for line in lines)
