"""The dataset stage: extraction's records in; train, holdout, quarantine and a summary out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pipelines import progress
from pipelines.config.schema import Dataset, Params
from pipelines.dag.stage import Facts, Stage
from pipelines.dataset.contamination import measure_contamination
from pipelines.dataset.filters import admit
from pipelines.dataset.leakage import HeldOutBodies
from pipelines.dataset.preferences import admit_pairs
from pipelines.dataset.quality import Quality
from pipelines.dataset.recipes import PAIRS, RECIPES, Recipe, Sources
from pipelines.dataset.split import FileText, Split, split_files
from pipelines.errors import NocturneError
from pipelines.lm.base_model import load_tokenizer
from pipelines.lm.prompts import fim_tokens
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl, write_json, write_jsonl
from pipelines.records.dataset import DatasetSummary, Draft, Example, PairDraft, Preference, Quarantined, RecipeCount
from pipelines.records.extraction import File, Symbol
from pipelines.records.history import Edit
from pipelines.wording import format_count

D = TypeVar("D", Draft, PairDraft)


def run(project: Project, params: Params) -> Facts:
    """Write `train.jsonl`, `holdout.jsonl`, `preferences.jsonl`, `quarantine.jsonl` and `summary.json`.

    Where the shares of `dataset.recipes` leave fewer examples than validation asks for, every recipe that is switched
    on keeps all of its examples.

    Raises:
        NocturneError: the source yields no example, or all of them are on one side of the split.
        UsageError: `dataset.holdout_files` takes nothing or everything.
    """
    tokenizer = load_tokenizer(params.training.base_model, project.workspace)
    parts = _split(project, params.dataset)
    sources = Sources(
        project, params.dataset, tokenizer, fim_tokens(tokenizer), parts.files, params.embedding.trust_remote_code
    )
    bodies = HeldOutBodies(sources.symbols(), parts.holds)
    shares = params.dataset.recipes.model_dump()
    train, holdout, quarantined = _admit(sources, shares, parts, bodies)
    if len(train) < params.validation.min_examples or len(holdout) < params.validation.min_holdout:
        shares = {name: float(share > 0) for name, share in shares.items()}
        train, holdout, quarantined = _admit(sources, shares, parts, bodies)
    if not train or not holdout:
        raise _check_enough(project, params.dataset, len(train), len(holdout), quarantined)
    drafted = _keep_share(PAIRS, sources, shares[PAIRS.name])
    pairs, copied = bodies.sifted([draft for draft in drafted if not parts.holds(draft)])
    preferences, refused = admit_pairs(pairs, tokenizer, params.dataset, project.name)
    quarantined += [*copied, *refused]
    recipes = _recipes([*train, *preferences], holdout, quarantined, shares)
    folder = project.path("dataset")
    write_jsonl(folder / "train.jsonl", train)
    write_jsonl(folder / "holdout.jsonl", holdout)
    write_jsonl(folder / "preferences.jsonl", preferences)
    write_jsonl(folder / "quarantine.jsonl", quarantined)
    seen = measure_contamination(train, [example for example in holdout if parts.is_new(example)])
    summary: DatasetSummary = {"recipes": recipes, "contamination": seen}
    write_json(folder / "summary.json", summary)
    made = {name: count["train"] + count["holdout"] for name, count in recipes.items()}
    counts = {"train": len(train), "holdout": len(holdout), "quarantined": len(quarantined)}
    return {**counts, "contamination": round(seen["rate"], 4), **made}


def _split(project: Project, params: Dataset) -> Split:
    """The split of today's files, and of files that only the history knows."""
    files: list[FileText] = [{"path": file["path"], "text": file["text"]} for file in _files(project)]
    weights = _weights(project)
    former = {edit["path"] for edit in read_jsonl(project.path("history", "edits.jsonl"), Edit)} - weights.keys()
    return split_files(files, weights, former, read_json(project.path("snapshot", "recent.json")), params)


def _files(project: Project) -> Iterator[File]:
    return read_jsonl(project.path("extraction", "files.jsonl"), File)


def _weights(project: Project) -> Counter[str]:
    """How much each file can teach: its syntax nodes, its documented symbols and its sections of prose."""
    weights: Counter[str] = Counter()
    for file in _files(project):
        weights[file["path"]] += len(file["spans"])
    for symbol in read_jsonl(project.path("extraction", "symbols.jsonl"), Symbol):
        weights[symbol["path"]] += bool(symbol["doc"]) or symbol["kind"] == "section"
    return +weights


def _admit(
    sources: Sources, shares: dict[str, float], parts: Split, bodies: HeldOutBodies
) -> tuple[list[Example], list[Example], list[Quarantined]]:
    """What the recipes make at these shares: training examples, held-out ones, and the quarantine."""
    drafts, copies = bodies.sifted(_drafts(sources, shares))
    drafts.sort(key=lambda d: (not parts.holds(d), d["path"], d["start_byte"], d["task"], d["end_byte"]))
    quality = Quality(sources.symbols())
    examples, left_out = admit(drafts, sources.tokenizer, sources.params, sources.project.name, parts, quality)
    holdout = [example for example in examples if parts.holds(example)]
    train = [example for example in examples if not parts.holds(example)]
    return train, holdout, [*left_out, *copies]


def _drafts(sources: Sources, shares: dict[str, float]) -> list[Draft]:
    """The drafts of every recipe that is switched on, and of each the share that is kept."""
    drafts: list[Draft] = []
    wanted = [recipe for recipe in RECIPES if shares[recipe.name]]
    for recipe in progress.track(wanted, len(wanted), "recipes"):
        drafts += _keep_share(recipe, sources, shares[recipe.name])
    return drafts


def _keep_share(recipe: Recipe[D], sources: Sources, share: float) -> Iterator[D]:
    """The share of a recipe's drafts that is kept, by a hash of what they are made of."""
    return (draft for draft in recipe.make(sources) if int(draft["same"][:8], 16) < share * 2**32)


def _recipes(
    train: Sequence[Example | Preference],
    holdout: list[Example],
    quarantined: list[Quarantined],
    shares: dict[str, float],
) -> dict[str, RecipeCount]:
    """What each recipe has made, and the share that was kept of it; and why, where that is nothing."""
    counts = [Counter(row["task"] for row in rows) for rows in (train, holdout, quarantined)]
    told: dict[str, RecipeCount] = {}
    wants = {recipe.name: recipe.wants for recipe in RECIPES} | {PAIRS.name: PAIRS.wants}
    for name, wanted in wants.items():
        share = shares[name]
        trained, held, left_out = (count[name] for count in counts)
        told[name] = {"share": share, "train": trained, "holdout": held, "quarantined": left_out}
        if not trained + held:
            why = f"all {left_out} drafts were quarantined" if left_out else f"it wants {wanted}; there are none"
            told[name]["none_because"] = why if share else f"dataset.recipes.{name} is 0"
    return told


def _check_enough(
    project: Project, params: Dataset, train: int, holdout: int, quarantined: list[Quarantined]
) -> NocturneError:
    left_out = ", ".join(
        f"{number} {rule}" for rule, number in Counter(row["rule"] for row in quarantined).most_common(3)
    )
    made = (
        f"{project.source} makes {train} training and {holdout} holdout examples "
        f"(quarantined: {left_out or 'nothing'}); "
    )
    if params.split == "time":
        return NocturneError(
            f"{made}each side needs at least one, from before and after {params.split_after}.",
            "Choose another dataset.split_after, or dataset.split: file, in params.local.yaml.",
        )
    files = format_count(len(_weights(project)), "file")
    return NocturneError(
        f"{made}each side needs at least one, from different files. Examples can be made of {files}: "
        "those with documented code, whole syntax nodes, or prose below headings.",
        "Add such files, widen snapshot.include, or switch more of dataset.recipes on, in params.local.yaml.",
    )


STAGE = Stage(
    "dataset",
    run,
    inputs=(
        "snapshot/base.json",
        "snapshot/recent.json",
        "extraction/files.jsonl",
        "extraction/symbols.jsonl",
        "extraction/chunks.jsonl",
        "history/edits.jsonl",
        "embedding/vectors.npy",
        "embedding/embedding.json",
    ),
    params=(
        "dataset",
        "training.base_model",
        "embedding.trust_remote_code",
        "validation.min_examples",
        "validation.min_holdout",
    ),
    code_deps=(
        "index",
        "lm/base_model.py",
        "encoder/minilm.py",
        "encoder/encoder.py",
        "encoder/sentence_transformers_backend.py",
        "lm/context_packing.py",
        "encoder/openvino_backend.py",
        "lm/prompts.py",
        "encoder/static_backend.py",
        "encoder/variants.py",
        "encoder/vector_cache.py",
        "source/cutoff.py",
        "syntax/test_paths.py",
        "syntax/text/kinds.py",
    ),
)
