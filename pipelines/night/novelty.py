"""How much of tonight's dataset the live release has not learned, and whether that is worth a training."""

from collections.abc import Iterable

from pipelines.config.schema import Params
from pipelines.dag import dvc
from pipelines.night.outcome import Outcome
from pipelines.project import Project
from pipelines.records import Record, fingerprint, read_jsonl
from pipelines.registry.release import Release
from pipelines.wording import format_count

TRAIN = "train.jsonl"


def find_too_little_new(project: Project, params: Params, live: Release | None) -> Outcome | None:
    """The outcome of a night that trains nothing because fewer than `training.min_new_tokens` are new; None when it
    trains, has trained already, or there is nothing to compare with."""
    least = params.training.min_new_tokens
    if not least or live is None or "training" not in dvc.find_stale(project):
        return None
    stored = dvc.read_stored(project, live.manifest.dataset_dvc)
    if stored is None or TRAIN not in stored:
        return None
    found = count_new_tokens(read_jsonl(project.path("dataset", TRAIN)), read_jsonl(stored[TRAIN]))
    if found >= least:
        return None
    are_new = f"{format_count(found, 'token')} {'is' if found == 1 else 'are'} new"
    fewer = f"fewer than training.min_new_tokens ({least:,})"
    reason = f"{are_new} since release {live.version}, {fewer}, so nothing was trained"
    return Outcome(project.name, "skipped", None, live.version, reason=reason)


def count_new_tokens(tonight: Iterable[Record], learned: Iterable[Record]) -> int:
    """Tokens of the examples whose prompt and completion are not among those learned, wherever they stand."""
    known = {_content(example) for example in learned}
    return sum(int(example["tokens"]) for example in tonight if _content(example) not in known)


def _content(example: Record) -> str:
    return fingerprint(example["prompt"], example["completion"])
