"""What the next dataset is compared with: the distribution of the one that the live release was trained on."""

from pipelines.dag import dvc
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl, write_json
from pipelines.registry.release import Release
from pipelines.validation.distribution import distribution

FILES = ("train.jsonl", "holdout.jsonl", "quarantine.jsonl")


def write_drift_baseline(project: Project, live: Release | None) -> bool:
    """Write `data/<project>/baseline.json`, which the snapshot stage takes over; returns whether it has changed.

    It is no stage's output: what is live is not a function of the source. A night writes it before its stages and
    only when one of them is out of date, so that after a night `dvc repro` has nothing to do.
    """
    file = project.path("baseline.json")
    stored = dvc.read_stored(project, live.manifest.dataset_dvc) if live else None
    if live is None or stored is None or not all(name in stored for name in FILES):
        return False  # what was compared with last stays
    train, holdout, quarantined = (list(read_jsonl(stored[name])) for name in FILES)
    made = {"release": live.adapter_version, **distribution((train, holdout, quarantined))}
    changed = not file.is_file() or read_json(file) != made
    if changed:
        write_json(file, made)
    return changed
