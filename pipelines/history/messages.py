"""What a commit's message says, and what kind of commit it tells of."""

import re

# Lines that tools add for tools: `Signed-off-by: …`, `Change-Id: …`, `Cc: …`, `Fixes: #12`.
_TRAILER = re.compile(
    r"^\W*(?:[a-z]+(?:-[a-z]+)+|cc|bug|fix|fixes|closes|refs?|see|link|issue)[:=][ \t]*\S.*$(?:\n[ \t]+\S.*$)*",
    re.IGNORECASE | re.MULTILINE,
)
_PICKED = re.compile(r"^\(?cherry[- ]picked from (?:commit )?.*$|^git-svn-id:.*$|^-{3,}$", re.IGNORECASE | re.MULTILINE)
_ISSUE = r"(?:[\w.-]+/[\w.-]+)?#\d+|https?://\S+/(?:issues|pull|merge_requests)/\d+"
_CLOSING = re.compile(
    r"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|address(?:e[sd])?|issues?|supersedes?|part of|related to)"
    rf":?[ \t]+(?:{_ISSUE})(?:(?:,|[ \t]and)*[ \t]*(?:{_ISSUE}))*[.:]?",
    re.IGNORECASE,
)
_NUMBERED = re.compile(rf"[ \t]*\((?:{_ISSUE})(?:,[ \t]*(?:{_ISSUE}))*\)")
_MAIL = re.compile(r"[ \t]*[<(]?[\w.+%-]+@[\w-]+(?:\.[\w-]+)+[>)]?")

_REVERT = re.compile(r"^revert(?:s|ed|ing)?\b|^This reverts commit\b", re.IGNORECASE | re.MULTILINE)
_REVERTED = re.compile(r"\brevert(?:s|ed|ing)?(?: the)?(?: commit)? ([0-9a-f]{7,64})\b", re.IGNORECASE)
_QUOTED = re.compile(r'^Revert "(.+)"')
_FIX = re.compile(
    r"\b(?:(?:bug|hot)?fix(?:e[sd]|ing)?|bugs?|regressions?|broken?|breakage|crash(?:e[sd])?|wrong(?:ly)?|"
    r"incorrect(?:ly)?|correct(?:s|ed|ly)?|repair(?:s|ed)?|deadlock|leaks?)\b",
    re.IGNORECASE,
)
# What is mended here was not wrong code.
_FIX_OF_WORDS = re.compile(
    r"\b(?:typos?|spelling|wording|grammar|lint(?:er|ing)?|flake8|mypy|ruff|format(?:ting)?|style|indent(?:ation)?|"
    r"docs?|documentation|docstrings?|javadocs?|comments?|readme|changelog|links?|whitespace|imports?)\b",
    re.IGNORECASE,
)
_VERSION = r"v?\d+\.\d+[\w.+-]*"
_BUMP = re.compile(
    rf"^(?:release|version|publish)?[ \t:]*{_VERSION}\W*(?:release|readme|changelog)?\W*$"
    rf"|^(?:\w+(?:\([^)]*\))?: )?(?:bump|release|version|publish|prepar(?:e[sd]?|ing))\b.*\b{_VERSION}"
    rf"|^(?:start|begin|open)(?: version| release)? {_VERSION}"
    r"|\bbump(?:s|ed|ing)?\b.*\b(?:version|deps|dependenc)|^\[maven-release-plugin\]",
    re.IGNORECASE,
)
_FILE_ONLY = re.compile(r"(?:add|create|delete|remove|rename|update)d? [\w./-]+\.\w+", re.IGNORECASE)
_EMPTY = frozenset(
    """
    a again address all and any better bit bug bugs change changes chore ci clean cleaned cleaning cleanup code
    comment comments commit cosmetic couple cr do doc docs done edit edits errors feedback few final fix fixed
    fixes fixing fixup for format formatting from further in initial it just last lint linter little merge merged
    minor misc miscellaneous more new nit nits now of on oops part pass please pr progress readme refactor
    refactored refactoring refinements remarks review reviews round save several simplify small some squash stuff
    style suggestion suggestions temp test tests the things this tidy tiny tmp to tweak tweaks typo typos up
    update updated updates various warning warnings wip with wording work working
    """.split()  # noqa: SIM905
)


def clean_message(message: str) -> str:
    """Subject and body without trailers, issue numbers, what closes issues, and e-mail addresses."""
    text = message.replace("\r\n", "\n")
    for pattern in (_TRAILER, _PICKED, _CLOSING, _NUMBERED, _MAIL):
        text = pattern.sub("", text)
    lines = [line.rstrip() for line in text.split("\n")]
    joined = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    return joined.strip("\n :;,-.") if not re.search(r"\w", joined) else joined.strip().lstrip(":;,-. ")


def subject_of(message: str) -> str:
    """The first line."""
    return message.lstrip().split("\n", 1)[0].strip()


def is_empty_of_meaning(text: str) -> bool:
    """Whether a cleaned message holds only words that every commit could: `wip`, `Fix tests`, `Update types.py`."""
    return _FILE_ONLY.fullmatch(text) is not None or set(re.findall(r"[^\W\d_]+", text.lower())) <= _EMPTY


def is_version_bump(message: str) -> bool:
    """Whether the subject says that a version was raised or released."""
    return _BUMP.search(subject_of(message)) is not None


def is_fix(message: str) -> bool:
    """Whether the subject says that something was wrong; slips in prose and style are not meant."""
    line = subject_of(message)
    return _FIX.search(line) is not None and _FIX_OF_WORDS.search(line) is None


def is_revert(message: str) -> bool:
    """Whether the message says that earlier work was taken back."""
    return _REVERT.search(subject_of(message)) is not None or "\nThis reverts commit" in message


def reverted_commits(message: str) -> tuple[list[str], str]:
    """What a revert takes back: commits, perhaps abbreviated; and the subject that it quotes, or ""."""
    quoted = _QUOTED.match(subject_of(message))
    return [name.lower() for name in _REVERTED.findall(message)], quoted.group(1) if quoted else ""
