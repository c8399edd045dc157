"""The dataset stage: extraction's records in; train, holdout and quarantine out."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pipelines import progress
from pipelines.dataset.recipes import complete, documented
from pipelines.dataset.split import admit, held_out
from pipelines.errors import NocturneError
from pipelines.model.base import load_tokenizer
from pipelines.model.prompts import fim_tokens
from pipelines.params import Dataset, Params
from pipelines.project import Project
from pipelines.records import Record, read_jsonl, write_jsonl
from pipelines.stage import Facts, Stage


def run(project: Project, params: Params) -> Facts:
    """Write `train.jsonl`, `holdout.jsonl` and `quarantine.jsonl`.

    Raises:
        NocturneError: the source yields no example, or all of them come from one file.
    """
    tokenizer = load_tokenizer(params.training.base_model, project.workspace)
    drafts = list(_drafts(project, tokenizer, params.dataset))
    holdout_paths = held_out((draft["path"] for draft in drafts), params.dataset)
    drafts.sort(key=lambda d: (d["path"] not in holdout_paths, d["path"], d["start_byte"], d["task"], d["end_byte"]))
    examples, quarantined = admit(drafts, tokenizer, params.dataset, project.name)
    holdout = [example for example in examples if example["path"] in holdout_paths]
    train = [example for example in examples if example["path"] not in holdout_paths]
    if not train or not holdout:
        raise _too_little(project, len(train), len(holdout), len(quarantined))
    folder = project.path("dataset")
    write_jsonl(folder / "train.jsonl", train)
    write_jsonl(folder / "holdout.jsonl", holdout)
    write_jsonl(folder / "quarantine.jsonl", quarantined)
    return _facts(train, holdout, quarantined, params.dataset)


def _drafts(project: Project, tokenizer: Any, params: Dataset) -> Iterator[Record]:
    files = list(read_jsonl(project.path("extraction", "files.jsonl")))
    licenses = {file["path"]: file["license"] for file in files}
    symbols = read_jsonl(project.path("extraction", "symbols.jsonl"))
    known = ({**symbol, "license": licenses[symbol["path"]]} for symbol in symbols)
    yield from documented(known, tokenizer, params)
    fim = fim_tokens(tokenizer)
    if fim is not None and "complete" in params.recipes:
        for file in progress.track(files, len(files), "files"):
            yield from complete(file, fim, params)


def _facts(train: list[Record], holdout: list[Record], quarantined: list[Record], params: Dataset) -> Facts:
    tasks = Counter(example["task"] for example in train + holdout)
    facts: Facts = {"train": len(train), "holdout": len(holdout), "quarantined": len(quarantined)}
    return {**facts, **{recipe: tasks[recipe] for recipe in params.recipes}}


def _too_little(project: Project, train: int, holdout: int, quarantined: int) -> NocturneError:
    return NocturneError(
        f"{project.source} makes {train} training and {holdout} holdout examples ({quarantined} quarantined); "
        "each side needs at least one, from different files.",
        "Name a repository with at least two source files, or widen snapshot.include in params.yaml.",
    )


STAGE = Stage(
    "dataset",
    run,
    needs=("snapshot/base.json", "extraction/files.jsonl", "extraction/symbols.jsonl"),
    params=("dataset", "training.base_model"),
    rooms=("model/base.py", "model/prompts.py"),
)
