"""From a file's bytes to bytes that may be learned, or to the reason why the file stays out. Nothing here is logged."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from pipelines.cleaning import detect_secrets, kingfisher, license, pii
from pipelines.cleaning.redact import redact
from pipelines.cleaning.span import Category, Span
from pipelines.config.schema import Cleaning

FAILED = "cleaning"  # the rule of a file that could not be checked
SCANNERS = (detect_secrets, kingfisher)  # a finding of either counts


@dataclass(frozen=True)
class Finding:
    """Something that must not be learned: where and what, never a part or a hash of it.

    Attributes:
        start_line: the first line of it, from 1; `end_line` is the last.
        action: what was done about it: "redact" or "quarantine".
    """

    kind: str
    scanner: str
    start_line: int
    end_line: int
    category: Category
    action: str


@dataclass(frozen=True)
class Refused:
    """Why a file is kept out, and the rule it broke."""

    reason: str
    rule: str


@dataclass(frozen=True)
class Cleaned:
    """A file after cleaning.

    Attributes:
        source: as long as before, line breaks where they were, findings blotted out; empty when refused.
        findings: by position.
        license: the SPDX expression that its own header states, or "".
        refused: None, or why nothing of this file may be used.
    """

    source: bytes
    findings: tuple[Finding, ...]
    license: str
    refused: Refused | None


def clean(source: bytes, path: str, params: Cleaning) -> Cleaned:
    """Find what is secret or personal by every scanner, and blot it out or refuse the file, as configured.

    Pure and offline. A scanner that is missing or fails refuses the file; its words are not passed on, since they could
    quote the file.

    Args:
        source: a file's bytes, in ASCII, UTF-8 or another encoding that contains ASCII.
        path: only its ending counts.
    """
    if b"\0" in source:  # UTF-16 or no text at all: a scanner's places would not be places in these bytes
        return _refuse("it holds a NUL byte, so its text cannot be checked", FAILED)
    spans: list[Span] = []
    for name, scan in _scan_all(path, params):
        try:
            spans += scan(source)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of native code is no Exception
            return _refuse(f"{name} could not check it ({type(error).__name__})", FAILED)
    actions: dict[Category, str] = {"secret": params.secrets, "personal": params.personal}
    spans = _merge(spans)
    findings = tuple(_finding(source, span, actions[span.category]) for span in spans)
    for finding in findings:
        if finding.action == "quarantine":
            reason = f"{finding.category}: {finding.kind} on line {finding.start_line}"
            return _refuse(reason, finding.category, findings)
    clear = redact(source, spans)
    stated = license.read_header(clear.decode("utf-8", "replace"))
    if params.licenses and stated and not license.is_allowed(stated, params.licenses):
        return _refuse(f"its header states {stated}, which cleaning.licenses does not allow", "license", findings)
    return Cleaned(clear, findings, stated, None)


def _scan_all(path: str, params: Cleaning) -> Iterator[tuple[str, Callable[[bytes], Iterable[Span]]]]:
    for scanner in SCANNERS:
        yield scanner.NAME, partial(scanner.scan, path=path)
    if params.personal != "keep":
        yield "the search for personal data", partial(pii.scan, ip_addresses=params.ip_addresses)


def _merge(spans: list[Span]) -> list[Span]:
    """By position; what lies inside another span is dropped, so that a secret counts once, and as a secret."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.category != "secret", span)):
        if not kept or span.end > kept[-1].end or (span.category, kept[-1].category) == ("secret", "personal"):
            kept.append(span)
    return kept


def _finding(source: bytes, span: Span, action: str) -> Finding:
    first = source.count(b"\n", 0, span.start) + 1
    last = first + source.count(b"\n", span.start, max(span.start, span.end - 1))
    return Finding(span.kind, span.scanner, first, last, span.category, action)


def _refuse(reason: str, rule: str, findings: tuple[Finding, ...] = ()) -> Cleaned:
    return Cleaned(b"", findings, "", Refused(reason, rule))
