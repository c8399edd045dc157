"""How often the gates err: harmed adapters, identical ones and better ones, judged on many holdouts.

    python -m benchmarks.gates.error_rates --folder FOLDER [--project NAME] [--other REPOSITORY]

Needs a project that a night has learned here (`make nightly`). Every adapter, nano-coder and `decide` are real. Each
adapter is scored once on the project's held-out examples. FOLDER keeps adapters and scores, so an interrupted run goes
on. Each trial draws a holdout from these examples: whole files with replacement, as many as there are. So the pool is
the truth. `decide` judges with the gates of params.yaml. Exit code 1: one of these claims does not hold.

- Harmed: the project's adapter with noise on its weights, and one trained on another repository (best in another
  language). None that is worse than the gates allow, on the whole pool, becomes champion in any trial.
- Identical: the same adapter twice; two adapters that differ in the training's seed alone; and an adapter and its base
  model. Which of the two is the candidate is drawn anew for every file of every trial. So there is no true difference,
  while all that makes bits differ stays (a permutation null by whole files). A superiority gate at 95% passes in at
  most 5%.
- Better: the project's adapter beside its base model, and as the candidate beside a champion trained for fewer steps.
  It passes in at least 80%.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.gates.adapters import foreign, noisy, trained
from benchmarks.result import Cell, Figure, Result, Table, make_parser, round_to
from pipelines import environment
from pipelines.config.load import load_params
from pipelines.config.schema import Gate, Params
from pipelines.evaluation.eval_set import evaluate_adapter
from pipelines.gates import decide
from pipelines.project import Project
from pipelines.records import Record, file_sha256, read_json, tree_sha256, write_json

QUESTION = "How often do the gates err?"
NOISE = (0.5, 1.0, 2.0, 4.0)  # times the root mean square of each matrix
FEW = (5, 10)  # files, beside as many as there are
HARMED, IDENTICAL, BETTER = 100, 1000, 100  # trials
BATCH = 4  # examples a step of the short trainings
POWER = 0.8  # of the trials with a real improvement
Bits = dict[str, float]


class Pool:
    """The held-out examples with the bits of every adapter on each."""

    def __init__(self, folder: Path, project: Project, params: Params) -> None:
        self._file, self._project = folder / "bits.json", project
        self._params = params
        self._holdout = file_sha256(project.path("dataset", "holdout.jsonl"))
        kept = read_json(self._file) if self._file.is_file() else {}
        same = kept.get("holdout") == self._holdout
        self.records: list[Record] = kept["records"] if same else []
        self._scored: dict[str, Record] = kept["scored"] if same else {}

    @property
    def bits(self) -> dict[str, Bits]:
        """By adapter, the bits of every example."""
        return {name: scored["bits"] for name, scored in self._scored.items()}

    def add(self, name: str, adapter: Path, arm: str = "adapter") -> None:
        """Score an adapter, or with arm `base` the model below it, unless the folder has these very weights' bits."""
        weights = tree_sha256(adapter)
        if self._scored.get(name, {}).get("weights") == weights:
            return
        base_model = self._params.training.base_model
        found = evaluate_adapter(self._project, self._params, adapter, base_model, [arm], ["bits_per_byte"])
        self.records = [{**one, "bits": {}} for one in found]
        bits = {one["example_id"]: one["bits"][arm] for one in found}
        self._scored[name] = {"weights": weights, "bits": bits}
        write_json(self._file, {"holdout": self._holdout, "records": self.records, "scored": self._scored})

    def draw(self, seed: int, files: int | None) -> list[tuple[str, list[Record]]]:
        """A holdout: so many files, with replacement; one that comes twice is two."""
        by_file: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            by_file[record["path"]].append(record)
        names = sorted(by_file)
        chance = random.Random(seed)
        drawn = [chance.choice(names) for _ in range(files or len(names))]
        return [(f"{name}#{number}", by_file[name]) for number, name in enumerate(drawn)]

    def gain(self, name: str, over: str) -> float:
        """By how much fewer bits one adapter needs than another on the whole pool."""
        return 1 - sum(self.bits[name].values()) / sum(self.bits[over].values())


def scores(drawn: list[tuple[str, list[Record]]], arms: Callable[[int], dict[str, Bits]]) -> list[Record]:
    """Records in the form of `scores.jsonl`; `arms` gives each arm's bits for the file of that number."""
    return [
        {
            **record,
            "path": path,
            "example_id": f"{record['example_id']}#{path}",
            "bits": {arm: bits[record["example_id"]] for arm, bits in arms(number).items()},
        }
        for number, (path, records) in enumerate(drawn)
        for record in records
    ]


def passes(
    pool: Pool, gates: Sequence[Gate], params: Params, seed: int, candidate: str, base: str, champion: str | None
) -> bool:
    """Whether a candidate passes on one drawn holdout."""
    drawn = pool.draw(seed, None)
    arms = {"adapter": pool.bits[candidate], "base": pool.bits[base]}
    records = scores(drawn, lambda _: arms)
    live = scores(drawn, lambda _: {"adapter": pool.bits[champion]}) if champion else None
    by_id = None if live is None else {one["example_id"]: one for one in live}
    return decide(records, by_id, gates, params.evaluation).passed


def identical(pool: Pool, params: Params, seed: int, one: str, other: str, files: int | None) -> bool:
    """Whether a superiority gate passes between two adapters, exchanged by chance for every file."""
    chance = random.Random(f"arms {seed}")
    drawn = pool.draw(seed, files)
    swapped = [chance.random() < 0.5 for _ in drawn]
    pair = (
        {"adapter": pool.bits[one], "base": pool.bits[other]},
        {"adapter": pool.bits[other], "base": pool.bits[one]},
    )
    superior = next(gate for gate in params.gates if gate.against == "base").model_copy(
        update={"margin": 0.0, "confidence": 0.95}
    )
    return decide(scores(drawn, lambda number: pair[swapped[number]]), None, [superior], params.evaluation).passed


# What, the true gain in percent, how often it passed, of how many trials, whether that holds.
Row = tuple[str, float, int, int, bool]


def harmed(pool: Pool, params: Params, name: str, what: str = "") -> Iterator[Row]:
    """A harmed adapter, beside the unharmed one and when nothing is live.

    Harm that leaves it as good as the gates ask for is none: then the row says how often it passes, and claims nothing.
    """
    margins = {gate.against: gate.margin for gate in params.gates if gate.severity == "block"}
    for live, allowed in (("night", -margins["champion"]), (None, margins["base"])):
        count = sum(passes(pool, params.gates, params, seed, name, "base", live) for seed in range(HARMED))
        truth = pool.gain(name, live or "base")
        beside = "the unharmed one is live" if live else "nothing is live"
        good = truth >= allowed
        said = f"harmed: {what or name}; {beside}{', and it is good enough' if good else ''}"
        yield said, round_to(100 * truth, 3), count, HARMED, good or count == 0


def alike(pool: Pool, params: Params, what: str, one: str, other: str) -> Iterator[Row]:
    """Two adapters without a true difference, on holdouts of many files and of few."""
    for files in (None, *FEW):
        count = sum(identical(pool, params, seed, one, other, files) for seed in range(IDENTICAL))
        of = f"{files} files" if files else "all files"
        yield f"identical: {what}; {of}", 0.0, count, IDENTICAL, count <= IDENTICAL * 0.05


def better(pool: Pool, params: Params, live: str | None) -> Iterator[Row]:
    """The project's own adapter."""
    count = sum(passes(pool, params.gates, params, seed, "night", "base", live) for seed in range(BETTER))
    beside = "one of fewer steps is live" if live else "nothing is live"
    truth = round_to(100 * pool.gain("night", live or "base"), 3)
    yield f"better: {beside}", truth, count, BETTER, count >= POWER * BETTER


def rows(pool: Pool, params: Params, place: Path, folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    """Each claim, as soon as its adapters are trained and scored."""
    night = place / "data" / args.project / "training" / "adapter"
    pool.add("base", night, "base")
    pool.add("night", night)
    yield from better(pool, params, None)
    yield from alike(pool, params, "the same adapter", "night", "night")
    yield from alike(pool, params, "adapter and base model, exchanged by chance", "night", "base")
    yield from harmed(pool, params, "base", "an adapter of zeros")  # which is the base model
    for level in NOISE:
        pool.add(f"noise {level:g}", noisy(folder / f"noise{level:g}", night, level, seed=17))
        yield from harmed(pool, params, f"noise {level:g}")
    short = {"max_steps": args.steps, "batch_size": BATCH}
    for seed in (1, 2):
        pool.add(f"seed {seed}", trained(folder / f"seed{seed}", place, args.project, seed=seed, **short))
    yield from alike(pool, params, "two seeds, exchanged by chance", "seed 1", "seed 2")
    yield from better(pool, params, "seed 1")
    if args.other:
        name = f"trained on {args.other.name}"
        pool.add(name, foreign(folder / f"on-{args.other.name}", place, args.other, **short))
        yield from harmed(pool, params, name)


def main() -> int:
    """Train and score what is missing, run the trials, write the result."""
    parser = make_parser(__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps the adapters and their scores")
    parser.add_argument("--workspace", type=Path, default=Path.cwd(), help="where a night has run; here by default")
    parser.add_argument("--project", default="nocturne")
    parser.add_argument("--other", type=Path, help="a repository to harm an adapter by")
    parser.add_argument("--steps", type=int, default=20, help="of each training of the two seeds and of the other")
    args = parser.parse_args()
    place, folder = args.workspace.resolve(), args.folder.resolve()
    environment.prepare(place)
    params = load_params(place)
    project = params.project(args.project, place)
    pool = Pool(folder, project, params)
    result = Result.begin("gates-error-rates", "gates.error_rates")
    table: list[dict[str, Cell]] = []
    claimed: dict[str, list[tuple[int, int]]] = {"better": [], "harmed": [], "identical": []}
    held = True
    for what, truth, count, trials, holds in rows(pool, params, place, folder, args):
        print(f"{what}: {count} of {trials} passed{'' if holds else ', which does not hold'}", flush=True)
        answer = "yes" if holds else "no"
        table.append({"candidate": what, "true gain, %": truth, "passed": count, "trials": trials, "holds": answer})
        if "good enough" not in what:
            claimed[what.partition(":")[0]].append((count, trials))
        held = held and holds
    result.data = (
        f"{args.project}: {len(pool.records)} held-out examples of {len({r['path'] for r in pool.records})} files"
    )
    result.figures = [_figure(f"{kind} adapters that pass", some) for kind, some in claimed.items()]
    result.tables = [Table(rows=table)]
    result.write(args.results)
    return 0 if held else 1


def _figure(asked: str, counted: list[tuple[int, int]]) -> Figure:
    """How many pass of all trials of a kind."""
    passed, trials = (sum(one[place] for one in counted) for place in (0, 1))
    return Figure(asked=f"{asked}, of {trials:,}", ours=passed)


if __name__ == "__main__":
    sys.exit(main())
