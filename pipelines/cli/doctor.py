"""The checks of `nocturne doctor`: each is a name, whether it passed, and the value or what to do."""

import shutil
import sys
from collections.abc import Callable, Iterator

from pipelines.config.schema import Params
from pipelines.dag import journal
from pipelines.errors import NocturneError
from pipelines.project import Project
from pipelines.wording import format_count

FREE_GB = 2


def run_checks(project: Project, params: Params) -> Iterator[tuple[str, bool, str]]:
    """Run every check; one that raises has failed, with its error as the detail."""
    every: list[tuple[str, Callable[[Project, Params], str]]] = [
        ("python", _python),
        ("git", _git),
        ("disk", _disk),
        ("compute", _compute),
        ("sources", _sources),
        ("base model", _base_model),
        ("encoder", _encoder),
        ("reranker", _reranker),
        ("dag", _dag),
        ("mlflow", _mlflow),
        ("live release", _live),
        ("last night", lambda project, _: check_last_night(project)),
        ("schedule", _schedule),
    ]
    for name, check in every:
        try:
            yield name, True, check(project, params)
        except NocturneError as error:
            yield name, False, f"{error.fact} → {error.next_step}"


def _python(project: Project, params: Params) -> str:
    return sys.version.split()[0]


def _git(project: Project, params: Params) -> str:
    found = shutil.which("git")
    if found is None:
        raise NocturneError("git is not on PATH.", "Install git, or add its folder to PATH.")
    return found


def _disk(project: Project, params: Params) -> str:
    free = shutil.disk_usage(project.workspace).free / 1e9
    if free < FREE_GB:
        raise NocturneError(
            f"{free:.1f} GB are free; a night needs about {FREE_GB} GB.", f"Free disk space on {project.workspace}."
        )
    return f"{free:,.0f} GB free"


def _compute(project: Project, params: Params) -> str:
    import torch

    from pipelines.training.hardware import processes_of

    count = processes_of(params.training)
    shared = f", {count} processes (training.processes)" if count > 1 else ""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name(0)}{shared}"
    return f"CPU, {params.training.threads} threads (training.threads){shared}"


def _sources(project: Project, params: Params) -> str:
    from pipelines.source.git import check_repository

    for name in params.projects:
        check_repository(params.project(name, project.workspace).source)
    return ", ".join(params.projects)


def _base_model(project: Project, params: Params) -> str:
    from pipelines.lm.base_model import load_tokenizer
    from pipelines.lm.prompts import fim_tokens

    tokenizer = load_tokenizer(params.training.base_model, project.workspace)
    fim = "with" if fim_tokens(tokenizer) else "without"
    return f"{params.training.base_model}, {len(tokenizer)} tokens, {fim} fill-in-the-middle"


def _encoder(project: Project, params: Params) -> str:
    from pipelines.encoder.encoder import load_encoder

    config = params.embedding
    written = config.model if config.variant == "auto" else f"{config.model}@{config.variant}"
    encoder = load_encoder(written, trust_remote_code=config.trust_remote_code)
    return f"{encoder.name}, {encoder.dimension} dimensions" + (", or faster" if config.variant == "auto" else "")


def _reranker(project: Project, params: Params) -> str:
    from pipelines.encoder.cross_encoder import load_reranker

    name = params.search.rerank
    return load_reranker(name).name if name else "none (search.rerank)"


def _dag(project: Project, params: Params) -> str:
    from pipelines.dag import dvc

    return " → ".join(dvc.stage_order(project))


def _mlflow(project: Project, params: Params) -> str:
    from pipelines.registry import tracking

    tracking.open_client(project.workspace)
    return tracking.tracking_uri(project.workspace)


def _live(project: Project, params: Params) -> str:
    from pipelines.index import open_index
    from pipelines.registry.releases import CHAMPION, Releases

    release = Releases(project).at(CHAMPION)
    if release is None:
        return f"none yet: nocturne nightly {project.name}"
    with open_index(project, params.index, release.manifest.index_version) as index:
        return f"release {release.version}, {format_count(index.count(), 'chunk')}"


def check_last_night(project: Project) -> str:
    """The state of the last night.

    Raises:
        NocturneError: it crashed or failed.
    """
    from pipelines.night import last_night

    night = last_night.read_last_night(project)
    if night is None:
        return "none yet"
    at = f" in {night.stage}" if night.stage else ""
    if night.state == last_night.CRASHED:
        raise NocturneError(
            f"The last night of {project.name} crashed{at}.",
            f"Run `nocturne nightly {project.name}`: it goes on from there. The end of {project.night / journal.LOG} "
            "may say why.",
        )
    if night.state == last_night.FAILED:
        raise NocturneError(f"The last night of {project.name} failed{at}: {night.fact}", night.next_step)
    return night.state


def _schedule(project: Project, params: Params) -> str:
    from pipelines.cli.schedule_view import describe_schedule

    well, said = describe_schedule(project)
    if not well:
        raise NocturneError(
            f"The schedule of {project.name}: {said}",
            f"Read the logs of `nocturne up` in {project.workspace / 'data' / '.up'}.",
        )
    return f"{params.schedule.cron} {params.schedule.timezone}: {said}"
