"""The order of candidates: each signal alone turns a list, and copied code leads back to its place."""

import pytest

from pipelines.index.search.ranking import Candidate, QueryWords, Ranking, rank


def candidate(
    path: str, symbol: str = "", cosine: float = 0.5, bm25: float = 1.0, summary: float = 0.0, **chunk
) -> Candidate:
    known = {"chunk_id": f"{path} {symbol}", "path": path, "symbol": symbol, "kind": "function", "language": "python"}
    return Candidate(0, {**known, "start_line": 1, **chunk}, cosine, bm25, summary)


def order(question: str, *found: Candidate, limit: int = 10) -> list[str]:
    return [one.chunk["chunk_id"].strip() for _, one in rank(question, found, limit)]


def test_meaning_and_keywords_decide_where_no_name_does():
    assert order("wait", candidate("a.py", cosine=0.4), candidate("b.py", cosine=0.5)) == ["b.py", "a.py"]
    assert order("wait", candidate("a.py", bm25=1), candidate("b.py", bm25=3)) == ["b.py", "a.py"]


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("session management", "src/sessions.py"),
        ("authentication", "auth.py"),
        ("digest of a password", "digest/core.py"),
    ],
)
def test_the_name_of_a_file_or_its_folder_answers(question, path):
    assert order(question, candidate("a/models.py"), candidate(path)) == [path, "a/models.py"]


def test_an_identifier_leads_to_its_definition_not_to_who_speaks_of_it():
    used, defined = candidate("a.py", "Client.send", cosine=0.7, bm25=2), candidate("b.py", "net.Session")
    assert order("Session", used, defined)[0] == "b.py net.Session"
    assert order("requests.Session", used, defined)[0] == "b.py net.Session"
    assert order("what makes a retry_count fall", used, candidate("c.py", "retry_count"))[0] == "c.py retry_count"


def test_a_definition_among_several_of_a_passage_is_found_by_its_name():
    methods = {"kind": "class", "defines": ["Context.forward", "Context.get_usage"]}
    merged, other = candidate("b.py", "Context", **methods), candidate("a.py", "Group", cosine=0.6, bm25=1.5)
    for question in ("get_usage", "Context.get_usage", "where is get_usage called", "get the usage"):
        assert order(question, other, merged)[0] == "b.py Context", question
    without = candidate("b.py", "Context", kind="class")
    assert order("get_usage", other, without)[0] == "a.py Group"


def test_a_name_fits_by_what_it_says_and_by_what_it_does_not():
    asked = QueryWords.of("read the configuration file")
    assert asked.fits(("read", "config", "file")) == 1
    assert asked.fits(("read", "config")) > asked.fits(("read",)) > asked.fits(("read", "socket", "twice")) > 0
    assert asked.fits(()) == QueryWords.of("the").fits(("read",)) == 0


def test_the_name_of_a_file_decides_a_short_question_and_not_a_long_one():
    named, other = candidate("session.py", "Jar", cosine=0.4), candidate("a.py", "b", cosine=0.6, bm25=1.4)
    assert order("session", other, named)[0] == "session.py Jar"
    long = "a value that was kept over several calls of the same client goes with its session"
    assert order(long, other, named)[0] == "a.py b"


@pytest.mark.parametrize("question", ["frobnicate", "where is the frobnicate flag set"])
@pytest.mark.parametrize("path", ["tests/test_flags.py", "examples/flags.py"])
def test_a_word_that_stands_in_a_test_or_an_example_alone_leads_there(question, path):
    holds = candidate(path, "test_all", cosine=0.4, bm25=9)
    code = [candidate(f"src/flags/{n}.py", "set", cosine=0.4, bm25=3.0 if " " in question else 0) for n in range(8)]
    assert order(question, holds, *code)[0] == f"{path} test_all"
    known = [candidate(f"src/{n}.py", "run", cosine=0.4, bm25=9) for n in range(8)]
    assert order(question, holds, *known)[-1] == f"{path} test_all"


def test_a_file_of_which_much_was_found_is_ahead_with_its_best_chunk():
    found = [candidate("one.py", "a"), candidate("two.py", "b"), candidate("two.py", "c", cosine=0.45)]
    assert order("wait", *found) == ["two.py b", "one.py a", "two.py c"]


@pytest.mark.parametrize(
    ("aside", "asked"),
    [
        ({"path": "tests/test_retry.py"}, "tests of retry"),
        ({"path": "examples/retry/main.py"}, "an example of retry"),
        ({"path": "docs/retry.md", "language": "markdown"}, "documentation of retry"),
    ],
)
def test_tests_examples_and_prose_stand_behind_code_unless_asked_for(aside, asked):
    path = aside.pop("path")
    other, code = candidate(path, cosine=0.8, bm25=1.5, **aside), candidate("src/wait.py")
    assert order("wait and try again", other, code) == ["src/wait.py", path]
    assert order(asked, other, code) == [path, "src/wait.py"]


def test_the_own_text_of_a_test_finds_it_among_better_placed_code():
    test = candidate("tests/test_a.py", "test_session", cosine=1.0, bm25=3)
    others = [candidate("session.py", "Session", cosine=0.9, bm25=3, chunk_id=f"{n}") for n in range(20)]
    assert order("Session", test, *others, limit=1) == ["tests/test_a.py test_session"]


def test_what_sums_a_file_up_speaks_for_its_best_passage():
    one, other = candidate("one.py", "f", cosine=0.5), candidate("two.py", "g", cosine=0.49, summary=0.6)
    less = candidate("two.py", "h", cosine=0.48, summary=0.6)
    assert order("wait", one, other, less) == ["two.py g", "one.py f", "two.py h"]
    assert order("wait", one, candidate("two.py", "g", cosine=0.49, summary=-0.6)) == ["one.py f", "two.py g"]


def test_half_the_list_at_most_is_of_one_file_while_others_have_something():
    many = [candidate("one.py", f"s{n}", cosine=0.9 - n / 100) for n in range(8)]
    few = [candidate(f"{name}.py", cosine=0.1) for name in "abc"]
    assert [path.split()[0] for path in order("wait", *many, *few, limit=4)] == ["one.py"] * 2 + ["a.py", "b.py"]
    assert len(order("wait", *many, few[0], limit=8)) == 8


def test_scores_order_the_list_and_stay_between_nothing_and_one():
    perfect = candidate("session.py", "session", cosine=0.99, summary=0.99)
    scores = [score for score, _ in rank("session", [perfect, candidate("b.py", cosine=-1.0, bm25=0)], 10)]
    assert 0.99 < scores[0] <= 1
    assert scores[1] == 0


def test_the_weights_add_up_to_one():
    weights = Ranking()
    signals = (weights.meaning, weights.keywords, weights.path, weights.file, weights.summary, weights.symbol)
    assert sum(signals) + weights.name == pytest.approx(1)


def test_identifiers_of_a_sentence_are_told_from_its_words():
    asked = QueryWords.of("How does Session.get call render_template() and HTTPAdapter in Flask?")
    assert asked.names == {"get", "render_template", "HTTPAdapter"}
    assert list(asked.words)[:2] == ["session", "get"]


def test_what_holds_the_identifier_that_is_asked_for_comes_before_what_is_only_like_it():
    like, holds = candidate("lock.py", "Lock", cosine=0.7, bm25=8), candidate("errors.py", "Codes", cosine=0.3, bm25=38)
    assert order("ER_LOCK_DEADLOCK", like, holds)[0] == "lock.py Lock"
    holds = holds._replace(holds=True)
    assert order("ER_LOCK_DEADLOCK", like, holds)[0] == "errors.py Codes"
    long = "ER_LOCK_DEADLOCK where many other words say what else a lock of the kind is wanted for and by whom"
    assert order(long, like, holds)[0] == "lock.py Lock"


@pytest.mark.parametrize("question", ["get_user", "getUser", "get_user_by_id", "GET_USER"])
def test_a_definition_whose_name_begins_with_the_identifier_is_not_behind_who_speaks_of_it(question):
    defines, said = candidate("a.py", "Users.get_user_by_id", bm25=2), candidate("notes.py", "Log", bm25=3)
    assert order(question, said._replace(holds=True), defines)[0] == "a.py Users.get_user_by_id"
