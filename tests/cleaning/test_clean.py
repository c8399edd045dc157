"""Nothing secret is left of a file, the rest stands where it stood, and what cannot be checked stays out."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from planted import KINDS, Secret, left, planted

from pipelines.cleaning import clean as room
from pipelines.cleaning import detect_secrets, kingfisher
from pipelines.cleaning.clean import clean
from pipelines.config.schema import Cleaning
from pipelines.syntax.languages import language_of
from pipelines.syntax.parser import is_valid

SHIPPED = Cleaning(secrets="redact", personal="redact", ip_addresses=False, licenses=[])
PLANTED = planted()


def changed(**values) -> Cleaning:
    return SHIPPED.model_copy(update=values)


def newlines(content: bytes) -> list[int]:
    return [at for at, byte in enumerate(content) if byte == ord("\n")]


@pytest.fixture
def token() -> tuple[Secret, str]:
    """A secret and a Python file with it on line 3."""
    return next((secret, text) for secret, carrier, _path, text in PLANTED if carrier == "Python string")


def test_200_secrets_of_20_kinds_are_planted_and_none_is_left():
    assert len(PLANTED) == 200
    assert len(KINDS) == 20
    for secret, carrier, path, text in PLANTED:
        assert left(secret, text), (secret.kind, carrier)
        cleaned = clean(text.encode(), path, SHIPPED)
        assert cleaned.refused is None
        assert not left(secret, cleaned.source.decode()), (secret.kind, carrier)


def test_other_random_secrets_are_not_left_either():
    others = planted(seed=2026)
    assert len(others) == 200
    for secret, carrier, path, text in others:
        assert not left(secret, clean(text.encode(), path, SHIPPED).source.decode()), (secret.kind, carrier)


def test_every_byte_and_line_stays_where_it_was_and_code_still_parses():
    parsed = 0
    for secret, carrier, path, text in PLANTED:
        source = text.encode()
        cleaned = clean(source, path, SHIPPED)
        assert len(cleaned.source) == len(source)
        assert newlines(cleaned.source) == newlines(source)
        language = language_of(path)
        if language is not None and is_valid(source, language):
            assert is_valid(cleaned.source, language), (secret.kind, carrier)
            parsed += 1
    assert parsed > 50


def test_what_was_cleaned_is_clean_and_cleaning_repeats_to_the_byte():
    for _secret, _carrier, path, text in PLANTED[::7]:
        once = clean(text.encode(), path, SHIPPED)
        assert once == clean(text.encode(), path, SHIPPED)
        assert clean(once.source, path, SHIPPED).findings == ()


def test_a_finding_names_lines_and_kind_and_holds_nothing_of_the_secret():
    for secret, carrier, path, text in PLANTED:
        findings = clean(text.encode(), path, SHIPPED).findings
        assert findings, (secret.kind, carrier)
        assert not left(secret, repr(findings))
        marked = [number for number, line in enumerate(text.split("\n"), start=1) if left(secret, line)]
        assert marked
        for line in marked:
            assert any(found.start_line <= line <= found.end_line for found in findings), (secret.kind, carrier)


def test_a_secret_that_stands_twice_is_blotted_out_twice(token):
    secret, text = token
    cleaned = clean(f"{text}\n# was {secret.value}\n".encode(), "app.py", SHIPPED)
    assert not left(secret, cleaned.source.decode())


def test_a_comment_that_allows_a_secret_does_not_let_it_through(token):
    secret, text = token
    for pragma in ("# pragma: allowlist secret", "# kingfisher:ignore", "# gitleaks:allow"):
        lines = [f"{line}  {pragma}" if left(secret, line) else line for line in text.split("\n")]
        assert not left(secret, clean("\n".join(lines).encode(), "app.py", SHIPPED).source.decode())


def test_bytes_that_are_not_utf8_are_cleaned_too(token):
    secret, text = token
    source = b"# caf\xe9 \xff\n" + text.encode()
    cleaned = clean(source, "old.py", SHIPPED)
    assert cleaned.source.startswith(b"# caf\xe9 \xff\n")
    assert secret.parts[0].encode() not in cleaned.source


def test_utf16_stays_out_since_places_in_it_cannot_be_told(token):
    _secret, text = token
    refused = clean(text.encode("utf-16"), "app.py", SHIPPED).refused
    assert refused is not None
    assert refused.rule == room.FAILED


def test_quarantine_keeps_the_file_out_and_says_which_line(token):
    secret, text = token
    cleaned = clean(text.encode(), "app.py", changed(secrets="quarantine"))
    assert cleaned.refused is not None
    assert (cleaned.source, cleaned.refused.rule) == (b"", "secret")
    assert cleaned.refused.reason.endswith("on line 3")
    assert {found.action for found in cleaned.findings} == {"quarantine"}
    assert not left(secret, repr(cleaned))
    assert clean(b"x = 1\n", "app.py", changed(secrets="quarantine")).refused is None


@pytest.mark.parametrize("scanner", [detect_secrets, kingfisher])
@pytest.mark.parametrize("kind", [ValueError, SystemError, MemoryError, BaseException])
def test_a_scanner_that_crashes_refuses_the_file_without_quoting_it(token, monkeypatch, scanner, kind):
    secret, text = token

    def crash(source, path):
        raise kind(source)

    monkeypatch.setattr(scanner, "scan", crash)
    cleaned = clean(text.encode(), "app.py", SHIPPED)
    assert cleaned.refused is not None
    assert (cleaned.source, cleaned.refused.rule) == (b"", room.FAILED)
    assert scanner.NAME in cleaned.refused.reason
    assert not left(secret, repr(cleaned))


def test_stopping_the_night_is_not_a_failed_scan(monkeypatch):
    def stop(source, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(kingfisher, "scan", stop)
    with pytest.raises(KeyboardInterrupt):
        clean(b"x = 1\n", "app.py", SHIPPED)


@pytest.mark.parametrize(
    ("package", "start"),
    [("kingfisher_sdk", kingfisher._scanner), ("detect_secrets.core.plugins.util", detect_secrets._rules)],
)
def test_a_scanner_that_is_missing_refuses_every_file(monkeypatch, package, start):
    start.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    try:
        refused = clean(b"x = 1\n", "app.py", SHIPPED).refused
    finally:
        start.cache_clear()
    assert refused is not None
    assert refused.rule == room.FAILED


@pytest.mark.parametrize("scanner", [detect_secrets, kingfisher])
def test_each_scanner_alone_finds_most(scanner):
    def finds(secret, path, text):
        return not left(secret, room.redact(text.encode(), scanner.scan(text.encode(), path)).decode())

    assert sum(finds(secret, path, text) for secret, _carrier, path, text in PLANTED) > 150


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme"',
        'password = "<your-token>"',
        'api_key = "xxxxxxxxxxxxxxxxxxxx"',
        'token = "${SERVICE_TOKEN}"',
        "secret = os.environ['SERVICE_SECRET1']",
        "token = parser.next_token2(line)",
        'password = "password1"',
        'url = f"https://{user}:{password}@{host}"',
        'url = "https://user:password@example.com/"',
        'sha256 = "' + "0123456789abcdef" * 4 + '"',
        'version = "1.2.3.4"',
        "assert token.start_byte == 1024",
    ],
)
def test_stand_ins_and_references_are_no_secrets(line):
    assert clean(f"{line}\n".encode(), "app.py", SHIPPED).findings == ()


def _kinds(content: bytes) -> list[str]:
    return [found.kind for found in clean(content, "app.py", SHIPPED).findings]


def test_it_runs_in_worker_processes_and_says_the_same(token):
    content = token[1].encode()
    here = _kinds(content)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert list(pool.map(_kinds, [content])) == [here]
