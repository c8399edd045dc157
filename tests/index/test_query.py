"""Filters in plain syntax: what is read out of a question, and what both engines then find."""

import pytest
from test_index import SOURCES, engine_params, made_project, some_chunks, unit_vectors

from pipelines.errors import UsageError
from pipelines.index import open_index, publish
from pipelines.index.search.query import parse_query, resolve_endings
from pipelines.index.store.payload import make_payload, strip_marks


@pytest.fixture(params=["edge", "server"])
def index(request, monkeypatch, tmp_path):
    params = engine_params(request.param, monkeypatch)
    chunks = [{**chunk, "complexity": 1 + row // 2} for row, chunk in enumerate(some_chunks())]
    project = made_project(tmp_path, chunks, unit_vectors(6))
    with open_index(project, params.index, publish(project, params).version) as opened:
        yield opened


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ("lang:go", {"lib/retry.go"}),
        ("lang:py", {"src/release.py", "src/http_server.py"}),
        ("lang:go lang:python", set(SOURCES)),
        ("path:src/", {"src/release.py", "src/http_server.py"}),
        ("path:./src/release.py", {"src/release.py"}),
        ("path:retry.go", {"lib/retry.go"}),
        ("path:sr", set()),
        ("-path:src", {"lib/retry.go"}),
        ("path:src -path:release.py", {"src/http_server.py"}),
        ("symbol:SERVEFOREVER", {"src/http_server.py"}),
        ("kind:class", set()),
        ("kind:function -lang:go", {"src/release.py", "src/http_server.py"}),
        ("commit:ccccccc", set(SOURCES)),
        ("commit:CCCCCCCCCC", set(SOURCES)),
        ("commit:ccccccd", set()),
        ("commit:uncommitted", set()),
        ("-commit:uncommitted", set(SOURCES)),
        ("complexity:0", set(SOURCES)),
        ("complexity:2", {"src/http_server.py", "lib/retry.go"}),
        ("complexity:3", {"lib/retry.go"}),
        ("complexity:3 complexity:2", {"src/http_server.py", "lib/retry.go"}),
        ("-complexity:3", {"src/release.py", "src/http_server.py"}),
        ("complexity:2 -complexity:3", {"src/http_server.py"}),
    ],
)
def test_only_what_the_filters_allow_is_found(index, filters, paths):
    asked = parse_query(f"{filters} roll back")
    assert asked.text == "roll back"
    assert {hit.path for hit in index.search(asked.text, unit_vectors(6)[0], 6, asked.scope)} == paths


@pytest.fixture(params=["edge", "server"])
def index_of_odd_files(request, monkeypatch, tmp_path):
    """Retry.go ends in .zzz and release.py in .mod: both are text to us, whose name says nothing."""
    params = engine_params(request.param, monkeypatch)
    renamed = {"lib/retry.go": ("lib/retry.ZZZ", "text"), "src/release.py": ("src/release.mod", "text")}
    chunks = []
    for chunk in some_chunks():
        path, language = renamed.get(chunk["path"], (chunk["path"], chunk["language"]))
        chunks.append({**chunk, "path": path, "language": language})
    project = made_project(tmp_path, chunks, unit_vectors(6))
    with open_index(project, params.index, publish(project, params).version) as opened:
        yield opened


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ("lang:zzz", {"lib/retry.ZZZ"}),
        ("lang:.zzz", {"lib/retry.ZZZ"}),
        ("lang:mod", {"src/release.mod"}),
        ("lang:txt", {"lib/retry.ZZZ", "src/release.mod"}),
        ("lang:zzz lang:python", {"lib/retry.ZZZ", "src/http_server.py"}),
        ("lang:zzz lang:mod", {"lib/retry.ZZZ", "src/release.mod"}),
        ("lang:zzz path:src", set()),
        ("-lang:zzz", {"src/release.mod", "src/http_server.py"}),
        ("-lang:zzz -lang:python", {"src/release.mod"}),
        ("lang:text -lang:zzz", {"src/release.mod"}),
    ],
)
def test_the_ending_of_any_indexed_file_can_be_asked_for(index_of_odd_files, filters, paths):
    asked = parse_query(f"{filters} roll back")
    scope = resolve_endings(asked.scope, index_of_odd_files.blobs)
    hits = index_of_odd_files.search(asked.text, unit_vectors(6)[0], 6, scope)
    assert {hit.path for hit in hits} == paths


@pytest.mark.parametrize(
    ("said", "meant"),
    [("pyhton", "lang:python"), ("-lang:pyhton", "lang:python"), ("yalm", "lang:yaml"), ("zz", "lang:zzz")],
)
def test_a_mistyped_language_is_refused_with_the_one_that_is_like_it(index_of_odd_files, said, meant):
    asked = parse_query(f"{said if ':' in said else f'lang:{said}'} roll back")
    with pytest.raises(UsageError, match="is unknown: it is no language, and no indexed file ends in") as caught:
        resolve_endings(asked.scope, index_of_odd_files.blobs)
    assert caught.value.next_step.startswith("Did you mean")
    assert meant in caught.value.next_step.partition("?")[0]


def test_a_language_that_is_like_nothing_known_is_refused_with_those_that_are_known(index):
    asked = parse_query("lang:klingon retry")
    with pytest.raises(UsageError, match="`lang:klingon` is unknown") as caught:
        resolve_endings(asked.scope, index.blobs)
    assert caught.value.next_step.startswith("Write the ending of an indexed file, or one of: python")


@pytest.mark.parametrize("engine", ["edge", "server"])
def test_a_function_in_a_test_file_is_a_test_too(engine, monkeypatch, tmp_path):
    """pytest's tests are functions: by their own kind alone nobody would find or leave them out."""
    params = engine_params(engine, monkeypatch)
    chunks = [{**chunk, "path": chunk["path"].replace("src/", "tests/")} for chunk in some_chunks()]
    project = made_project(tmp_path, chunks, unit_vectors(6))
    in_tests = {"tests/release.py", "tests/http_server.py"}
    with open_index(project, params.index, publish(project, params).version) as opened:
        for filters, paths in (("kind:test", in_tests), ("-kind:test", {"lib/retry.go"})):
            asked = parse_query(f"{filters} roll back")
            hits = opened.search(asked.text, unit_vectors(6)[0], 6, asked.scope)
            assert {hit.path for hit in hits} == paths
            assert {hit.kind for hit in hits} == {"function"}


def test_a_filter_does_not_take_places_from_what_it_allows(index):
    asked = parse_query("symbol:parseURL roll back project")
    assert [hit.symbol for hit in index.search(asked.text, unit_vectors(6)[0], 1, asked.scope)] == ["parseURL"]


def test_quotes_keep_a_space_and_different_keys_must_all_hold():
    asked = parse_query('retry path:"my folder/a" kind:function')
    assert asked.text == "retry"
    assert asked.scope.must == {"places": ["my folder/a"], "kinds": ["function"]}


@pytest.mark.parametrize(
    "text",
    [
        "how does std::vector grow",
        "what is at http://example.org/a",
        "TypeError: no such key",
        "note: this",
        '"key:value" in quotes',
        "a -b",
    ],
)
def test_what_is_no_filter_stays_text(text):
    assert parse_query(text).text == text
    assert not parse_query(text).scope.must


@pytest.mark.parametrize(
    ("text", "fact", "next_step"),
    [
        ("colour:red retry", "`colour:` is no filter", "in quotes"),
        ("path: retry", "`path:` has no value", "path:internal/"),
        ('lang:"" retry', "`lang:` has no value", "lang:go"),
        ("kind:loop retry", "`kind:loop` is unknown", "function"),
        ("commit:abc retry", "`commit:abc` is no commit", "uncommitted"),
        ("commit:unknown retry", "`commit:unknown` is no commit", "7 to 40"),
        ("complexity:high retry", "`complexity:high` is no number", "complexity:10"),
        ("complexity:-1 retry", "`complexity:-1` is no number", "complexity:10"),
        ("lang:go path:src", "nothing to look for", "lang:python retry"),
        ("  ", "empty", "nocturne search"),
    ],
)
def test_what_cannot_be_read_is_wrong_use(text, fact, next_step):
    with pytest.raises(UsageError, match=fact) as caught:
        parse_query(text)
    assert next_step in caught.value.next_step


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("Session.get", "get"), ("Foo>>at:put:", "at:put:"), ("Guide > Install it", "Install it"), ("a::b", "b")],
)
def test_the_bare_name_of_a_symbol(symbol, name):
    assert strip_marks(symbol) == name


def test_a_point_is_found_by_each_folder_above_it_whole_or_by_its_name():
    chunk = {"path": "go/internal/retry/again.go", "symbol": "Retry.Again", "kind": "method"}
    places = {"go", "go/internal", "go/internal/retry", "internal", "retry", "again.go", chunk["path"]}
    assert set(make_payload(chunk)["places"]) == places
    assert make_payload(chunk)["names"] == ["again", "retry.again"]


def test_a_point_is_found_by_each_definition_that_begins_in_it():
    chunk = {"path": "a.py", "kind": "class", "symbol": "Context", "defines": ["Context", "Context.forward"]}
    assert make_payload(chunk)["names"] == ["context", "context.forward", "forward"]
    assert make_payload({"path": "a.py", "kind": "text", "symbol": ""})["names"] == []


@pytest.mark.parametrize(
    ("commit", "commits"),
    [
        ("c" * 40, ["ccccccc"]),
        ("c" * 40 + "-dirty", ["ccccccc", "uncommitted"]),
        ("uncommitted", ["uncommitted"]),
    ],
)
def test_a_point_is_found_by_the_commit_that_changed_its_file_last(commit, commits):
    chunk = {"path": "a.py", "kind": "function", "symbol": "a", "commit": commit}
    assert make_payload(chunk)["commits"] == commits


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("yml", "yaml"),
        ("YAML", "yaml"),
        ("sh", "shell"),
        ("bash", "shell"),
        ("docker", "dockerfile"),
        (".tf", "terraform"),
        ("txt", "text"),
        ("kt", "kotlin"),
    ],
)
def test_a_kind_of_text_is_meant_by_its_name_another_name_or_a_file_ending(said, meant):
    assert parse_query(f"lang:{said} retry").scope.must == {"language": [meant]}
