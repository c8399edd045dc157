"""What the next training may begin with: a copy of what the live release learned, taken before the night's stages."""

import shutil

from pipelines.config.schema import Params
from pipelines.project import Project
from pipelines.records import read_json, write_json
from pipelines.registry.release import Release


def write_warm_start(project: Project, params: Params, live: Release | None) -> bool:
    """Write `data/<project>/champion/`, which the snapshot stage takes over; returns whether it has changed.

    As with `baseline.json`, what is live is no function of the source: a night with a stage out of date writes it
    before its stages and never after them, so that `dvc repro` has nothing to do then, and makes the same bytes again.
    """
    if not params.training.warm_start:
        return False
    folder = project.path("champion")
    said = folder / "champion.json"
    if live is None:
        return False
    # By its training: after a change of registry another adapter may have the same release number.
    known = read_json(said) if said.is_file() else {}
    if (known.get("training"), known.get("release")) == (live.manifest.training, live.adapter_version):
        return False
    aside = folder.with_name(".champion.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(live.adapter, aside / "learned", ignore=shutil.ignore_patterns("training.json"))
    paths = read_json(live.adapter / "training.json")["paths"]
    own = {"release": live.adapter_version, "training": live.manifest.training}
    facts = {**own, "base_identity": live.manifest.base_identity, "paths": paths}
    write_json(aside / "champion.json", facts)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    return True
