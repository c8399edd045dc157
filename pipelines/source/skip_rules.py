"""Why a file is not read: rules that can be measured, each with the words a person sees."""

from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_LINE_CHARS = 5_000
MAX_MEAN_LINE_CHARS = 200
MIN_SPACE_SHARE = 0.05  # the least in some 6,800 hand-written files of 20 repositories was 0.066
MEAN_COUNTS_FROM_CHARS = 2_000  # one long line alone does not make a small file minified


@dataclass(frozen=True)
class Reason:
    """Why a file was left out.

    Attributes:
        reason: what is so, with its figures.
        rule: the rule's short name, the same for all files that broke it.
    """

    reason: str
    rule: str


def is_binary_name(path: str) -> Reason:
    """For a file whose name is that of a picture, a sound, a font or something packed; it is not opened."""
    return Reason(f"binary: the name ends in {PurePosixPath(path).suffix.lower()}", "text")


def is_too_much_data(size: int, language: str, max_kb: int) -> Reason | None:
    """For a file of data with more bytes than `extraction.max_data_kb` allows; asked before it is read."""
    if size <= max_kb * 1024:
        return None
    return Reason(f"data: {size:,} bytes of {language} are more than extraction.max_data_kb = {max_kb}", "max_data_kb")


def is_too_large(size: int, max_kb: int) -> Reason | None:
    """For a file of more bytes than `extraction.max_file_kb` allows; asked before it is read."""
    if size <= max_kb * 1024:
        return None
    return Reason(f"{size:,} bytes are more than extraction.max_file_kb = {max_kb}", "max_file_kb")


def find_unreadable(content: bytes, *, code: bool = True, dense: bool = False) -> Reason | None:
    """For content that is not text a person wrote; None when it is.

    Args:
        code: whether it is code, of which a line ends before it is long; in prose one may be a paragraph.
        dense: whether its format needs no white space, as tables do.
    """
    if b"\0" in content:
        return Reason("binary: it holds a NUL byte", "text")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return Reason(f"not UTF-8: byte {error.start} cannot be decoded", "utf-8")
    if not text.strip("\ufeff \t\r\n\f\v"):
        return Reason("empty", "not empty")
    return _minified(text, code, dense)


def _minified(text: str, code: bool, dense: bool) -> Reason | None:
    lines = text.splitlines()
    longest = max(len(line) for line in lines)
    if longest > MAX_LINE_CHARS:
        return Reason(f"minified: a line of {longest:,} characters (limit {MAX_LINE_CHARS:,})", "minified")
    if len(text) <= MEAN_COUNTS_FROM_CHARS:
        return None
    mean = len(text) / len(lines)
    if code and mean > MAX_MEAN_LINE_CHARS:
        return Reason(f"minified: {mean:,.0f} characters a line (limit {MAX_MEAN_LINE_CHARS})", "minified")
    # Only of ASCII: Chinese and Japanese are written without spaces.
    share = sum(map(text.count, " \t\n")) / len(text.encode("ascii", "ignore"))
    if share < MIN_SPACE_SHARE and not dense:
        return Reason(f"minified: {share:.1%} white space (at least {MIN_SPACE_SHARE:.0%} in source)", "minified")
    return None
