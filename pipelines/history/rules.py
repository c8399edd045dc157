"""Which commits teach nothing, by their header alone: rules that can be measured, each with the words a person sees."""

import re

from pipelines.config.schema import History
from pipelines.history import messages
from pipelines.source.log import Commit
from pipelines.source.skip_rules import Reason
from pipelines.wording import format_count

IGNORED = ".git-blame-ignore-revs"  # git's and GitHub's customary name for a list of commits that only format

_BOT = re.compile(r"\[bot\]$|^(?:dependabot|renovate|greenkeeper|pre-commit-ci|github-actions)\b", re.IGNORECASE)
_OBJECT = re.compile(rb"^\s*([0-9a-f]{40,64})\b", re.MULTILINE)


def find_ignored(listed: bytes) -> frozenset[str]:
    """The commits that a `.git-blame-ignore-revs` names."""
    return frozenset(name.decode() for name in _OBJECT.findall(listed))


def find_left_out(commit: Commit, message: str, params: History, ignored_revisions: frozenset[str]) -> Reason | None:
    """Why a commit gives no edits, or None. Nobody's name is in the reason.

    Args:
        message: the commit's, cleaned.
        ignored_revisions: commits that the repository itself says to overlook.
    """
    if len(commit.parents) > 1:
        return Reason(f"it has {len(commit.parents)} parents", "merge")
    if _BOT.search(commit.author):
        return Reason("its author's name is that of a bot", "bot")
    if commit.commit in ignored_revisions:
        return Reason(f"{IGNORED} names it", "formatting")
    if messages.is_revert(commit.message):
        return Reason("its message says that it takes back earlier work", "revert")
    if messages.is_version_bump(commit.message):
        return Reason("its subject says that a version was raised", "version_bump")
    if len(message) < params.min_message_chars:
        characters = format_count(len(message), "character")
        short = f"{characters}, at least {params.min_message_chars} (history.min_message_chars)"
        return Reason(f"its message has {short}", "message")
    if messages.is_empty_of_meaning(message):
        return Reason("its message holds only words that any commit could", "message")
    return find_bulk(commit, params)


def find_bulk(commit: Commit, params: History) -> Reason | None:
    """For a commit that changed more files than `history.max_files`."""
    if len(commit.changes) <= params.max_files:
        return None
    return Reason(f"it changed {len(commit.changes)} files, at most {params.max_files} (history.max_files)", "bulk")
