"""Every form of Smalltalk source gives its classes and methods, each exactly where it stands."""

import pytest

from pipelines.syntax.chunks import split_chunks
from pipelines.syntax.languages import language_named, language_of
from pipelines.syntax.parser import is_valid
from pipelines.syntax.spans import MAX_BYTES, MIN_BYTES, find_spans
from pipelines.syntax.symbols import find_symbols
from pipelines.syntax.types import Symbol

SMALLTALK = language_named("smalltalk")

VISUALWORKS = """\
'From VisualWorks, 7.10'!

Smalltalk.Shop defineClass: #Till
    superclass: #{Core.Object}
    indexedType: #none
    private: false
    instanceVariableNames: 'coins '
    classInstanceVariableNames: ''
    imports: ''
    category: 'Shop'!

Smalltalk.Shop.Till comment:
'I hold ''coins''!! And count them.'!

"-- -- -- --"!

!Shop.Till class methodsFor: 'instance creation'!

new
    "Answer an empty one."

    ^super new setUp! !

!Shop.Till methodsFor: 'accessing'!

add: aCoin to: aSlot
    "Wow!! Take it."

    | old |
    old := coins at: aSlot.
    ^coins at: aSlot put: old + aCoin!

+ other
    ^self sum: other!

isEmpty
    ^coins isEmpty and: ['!!' size = 1]! !
"""

PHARO = """\
'From Pharo7.0 of 1 January 2020'!
Object subclass: #Till
\tinstanceVariableNames: 'coins'
\tclassVariableNames: ''
\tpoolDictionaries: ''
\tcategory: 'Shop'!
!Till commentStamp: 'ab 1/2/2003 10:00' prior: 0!
I hold coins. Don't ask!! !

!Till methodsFor: 'accessing' stamp: 'ab 1/2/2003 10:00'!
coins
\t<script>
\t"Answer
\t the coins."
\t^ coins! !

!Till methodsFor: 'as yet unclassified' stamp: 'ab 1/2/2003 10:00'!
at: key put: value
\t^ coins at: key put: value "done"! !

"-- -- -- -- -- -- -- -- -- -- -- -- -- -- -- -- -- -- "!

Till class
\tinstanceVariableNames: ''!

!Till class methodsFor: 'making' stamp: 'ab 1/2/2003 10:00'!
with: coin
\t^ self new add: coin; yourself! !

!Till reorganize!
('accessing' coins at:put:)
!
"""

GNU_CHUNKS = """\
"A plain file! It doubles no mark in comments."

Object subclass: #Till
       instanceVariableNames: 'coins'
       classVariableNames: ''
       poolDictionaries: ''
       category: 'Shop'
!

!Till class methodsFor: 'all'!
new
   ^super new setUp
! !

!Till methodsFor: 'all'!

setUp
    "Ready!"
    coins _ Bag new.
!
| other
    ^self or: [ other ]
! !

| till |
till := Till new.
till setUp !
"""

GNU_BRACKETS = """\
"======
| A file.
======"

Object subclass: Till [
    | coins |
    <category: 'Shop'>
    <comment: 'I hold coins.'>
    Limit := 3.

    Till class >> new [
\t"Answer an empty one."
\t<category: 'making'>
\t^super new setUp
    ]

    < other [ <category: 'comparing'> ^coins < other coins ]

    at: key put: value [
\t^coins at: key put: [:each | each ] value
    ]
]

Till extend [ double [ ^coins * 2 ] ]
Till class >> twice [ ^self new double ]
Eval [ Till new printNl. 'a ] bracket' printNl ]
"""

TONEL = """\
"
I hold coins.
"
Class {
\t#name : #Till,
\t#superclass : #Object,
\t#instVars : [
\t\t'coins'
\t],
\t#category : #Shop
}

{ #category : #making }
Till class >> with: coin [
\t^ self new add: coin; yourself
]

{ #category : #'as yet unclassified' }
Till >> at: key put: value [
\t"Put it
\tthere."

\t| old |
\told := $] -> '[' -> #($[).
\t^ coins at: key put: value
]

{ #category : #'*Other' }
Till >> >> other [
\t^ other
]
"""

FILETREE = """\
*shop-core
at: key put: value
\t"Put it there."
\t^ coins at: key put: value
"""

FORMS = {
    "visualworks": VISUALWORKS,
    "pharo": PHARO,
    "gnu chunks": GNU_CHUNKS,
    "gnu brackets": GNU_BRACKETS,
    "tonel": TONEL,
    "filetree": FILETREE,
}


def found(source: str) -> dict[str, Symbol]:
    return {symbol.qualified_name: symbol for symbol in find_symbols(source.encode(), SMALLTALK)}


def methods_of(source: bytes) -> list[Symbol]:
    return [symbol for symbol in find_symbols(source, SMALLTALK) if symbol.kind == "method"]


def test_visualworks_file_outs():
    box = found(VISUALWORKS)
    assert list(box) == [
        "Shop.Till",
        "Shop.Till class>>new",
        "Shop.Till>>add:to:",
        "Shop.Till>>+",
        "Shop.Till>>isEmpty",
    ]
    assert (box["Shop.Till"].kind, box["Shop.Till"].name) == ("class", "Till")
    assert box["Shop.Till"].doc == "I hold 'coins'! And count them."
    add = box["Shop.Till>>add:to:"]
    assert (add.kind, add.name, add.signature) == ("method", "add:to:", "add: aCoin to: aSlot")
    assert add.doc == "Wow! Take it."
    assert add.body == "    | old |\n    old := coins at: aSlot.\n    ^coins at: aSlot put: old + aCoin"
    assert "Wow" not in add.code
    assert box["Shop.Till>>isEmpty"].body.endswith("'!!' size = 1]")


def test_pharo_file_outs():
    box = found(PHARO)
    assert list(box) == ["Till", "Till>>coins", "Till>>at:put:", "Till class>>with:"]
    assert box["Till"].doc == "I hold coins. Don't ask!"
    assert box["Till"].signature == box["Till"].code
    assert box["Till>>coins"].signature == "coins\n\t<script>"
    assert box["Till>>coins"].doc == "Answer\nthe coins."
    assert box["Till>>coins"].body == "\t^ coins"
    assert (box["Till>>at:put:"].doc, box["Till>>at:put:"].body[-6:]) == ("", '"done"')


def test_gnu_chunks_do_not_double_marks_in_comments():
    box = found(GNU_CHUNKS)
    assert list(box) == ["Till", "Till class>>new", "Till>>setUp", "Till>>|"]
    assert (box["Till>>setUp"].doc, box["Till>>setUp"].body) == ("Ready!", "    coins _ Bag new.")


def test_gnu_brackets():
    box = found(GNU_BRACKETS)
    methods = ["Till class>>new", "Till>><", "Till>>at:put:", "Till>>double", "Till class>>twice"]
    assert list(box) == ["Till", *methods]
    assert (box["Till"].signature, box["Till"].doc) == ("Object subclass: Till", "I hold coins.")
    new = box["Till class>>new"]
    assert (new.signature, new.doc) == ("Till class >> new", "Answer an empty one.")
    assert new.body == "\t<category: 'making'>\n\t^super new setUp"
    assert box["Till>>at:put:"].signature == "at: key put: value"


def test_tonel():
    box = found(TONEL)
    assert list(box) == ["Till", "Till class>>with:", "Till>>at:put:", "Till>>>>"]
    assert box["Till"].doc == "I hold coins."
    put = box["Till>>at:put:"]
    assert put.signature == "Till >> at: key put: value"
    assert put.doc == "Put it\nthere."
    assert put.body.startswith("\t| old |\n")
    assert put.body.endswith("put: value")
    assert found('Extension { #name : "no" #String }\n\n{ #category : #x }\nString >> shout [ ^ 1 ]').keys() == {
        "String>>shout"
    }


def test_a_filetree_method_does_not_say_its_class():
    (method,) = find_symbols(FILETREE.encode(), SMALLTALK)
    assert (method.qualified_name, method.doc, method.start_line) == ("at:put:", "Put it there.", 2)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("form", FORMS)
def test_ranges_reproduce_the_source_whatever_ends_its_lines(form, end):
    source = FORMS[form].replace("\n", end).encode()
    lines = source.decode().split(end)
    made = find_symbols(source, SMALLTALK)
    assert [symbol.qualified_name for symbol in made] == list(found(FORMS[form]))
    assert made
    for symbol in made:
        whole = source[symbol.start_byte : symbol.end_byte].decode()
        assert source[symbol.body_start_byte : symbol.body_end_byte].decode() == symbol.body
        assert end.join(lines[symbol.start_line - 1 : symbol.end_line]).count(whole) == 1
        assert symbol.doc_range or (symbol.code == whole and whole.startswith(symbol.signature))


@pytest.mark.parametrize("form", FORMS)
def test_spans_are_closed_parts_of_methods(form):
    source = (FORMS[form] if form == "filetree" else FORMS[form] * 3).encode()
    ranges = [(span.start_byte, span.end_byte) for span in find_spans(source, SMALLTALK)]
    methods = methods_of(source)
    assert ranges == sorted(set(ranges), key=lambda pair: (pair[0], -pair[1]))
    assert ranges
    for start, end in ranges:
        assert MIN_BYTES <= end - start <= MAX_BYTES
        assert any(method.start_byte <= start and end <= method.end_byte for method in methods)
        text = source[start:end].decode()
        assert text.count("[") == text.count("]") or "$[" in text or "'['" in text


def test_statements_blocks_and_assigned_values_are_spans():
    source = PHARO.replace("^ coins!", "| all |\n\tall := coins collect: [:each | each value].\n\t^ all size + 1!")
    texts = {source[span.start_byte : span.end_byte] for span in find_spans(source.encode(), SMALLTALK)}
    value = "coins collect: [:each | each value]"
    assert {f"all := {value}", value, "[:each | each value]", "each value", "^ all size + 1"} <= texts
    assert not any(text.startswith("| all |") and "size" not in text for text in texts)


@pytest.mark.parametrize("form", FORMS)
def test_whole_files_are_valid_and_an_open_bracket_is_not(form):
    source = FORMS[form]
    assert is_valid(source.encode(), SMALLTALK)
    methods = methods_of(source.encode())
    assert methods
    for symbol in methods:
        broken = source.encode()[: symbol.body_start_byte] + b"(" + source.encode()[symbol.body_start_byte :]
        assert not is_valid(broken, SMALLTALK), symbol.name


@pytest.mark.parametrize("form", FORMS)
def test_every_line_is_in_a_passage(form):
    source = FORMS[form].encode()
    made = split_chunks(source, SMALLTALK, 120, 20)
    covered = {line for chunk in made for line in range(chunk.start_line, chunk.end_line + 1)}
    assert {number for number, line in enumerate(source.split(b"\n"), 1) if line.strip()} <= covered
    assert all(source[chunk.start_byte : chunk.end_byte].decode() == chunk.text for chunk in made)


@pytest.mark.parametrize(("form", "before"), [("pharo", "!Till "), ("tonel", "{ #category")])
def test_a_method_is_in_one_passage_with_its_category(form, before):
    source = FORMS[form].encode()
    made = split_chunks(source, SMALLTALK, 250, 0)
    assert len(made) > 1
    methods = methods_of(source)
    assert methods
    for symbol in methods:
        (passage,) = [chunk for chunk in made if chunk.start_line < symbol.start_line <= chunk.end_line]
        assert symbol.code.splitlines()[-1] in passage.text
        above = source.decode().splitlines()[symbol.start_line - 2]
        assert above.startswith(before)
        assert above in passage.text


@pytest.mark.parametrize(
    "source", ["", "!", "! !", "!!", "'", '"', "!Foo methodsFor: 'x'!", "Foo >> [", "[" * 9_000, "x\n"]
)
def test_odd_files_are_survived(source):
    made = find_symbols(source.encode(), SMALLTALK)
    assert all(symbol.kind == "method" for symbol in made)
    split_chunks(source.encode(), SMALLTALK, 600, 100)


def test_brackets_nested_without_end_are_survived():
    deep = "A subclass: B [ " * 2_000 + "]" * 2_000
    assert find_symbols(deep.encode(), SMALLTALK)


def test_tonel_files_are_smalltalk():
    assert language_of("src/Shop/Till.class.st") is SMALLTALK
