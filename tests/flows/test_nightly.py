"""A night, end to end, on real code with the real libraries; then what must stay true afterwards.

The nights are a chain of fixtures over one workspace: each begins where the one before ended. A test asks for the
fixtures that it is about.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import yaml
from conftest import commit_all, git, make_repository, make_workspace, own_code
from planted import Traces, gathered

from flows.running import end_orphans
from pipelines.config.load import load_params
from pipelines.dag import dvc, journal
from pipelines.dag.stage import NAMES
from pipelines.errors import GatesFailed, NocturneError
from pipelines.night import last_night
from pipelines.records import file_sha256, read_json, read_jsonl, tree_sha256
from pipelines.registry.releases import CHALLENGER, CHAMPION, PREVIOUS, Releases

SMALL = {
    "embedding": {"variant": "int8"},
    "dataset": {"fim_per_kb": 0.7, "fim_block_per_kb": 0.1, "retrieval_examples": 6, "max_example_tokens": 448},
    "training": {"max_steps": 32, "batch_size": 4, "checkpoint_steps": 4, "threads": 1},
    "evaluation": {
        "max_examples": 12,
        "generate_examples": 2,
        "max_new_tokens": 16,
        "memorisation_examples": 4,
        "bootstrap": 200,
    },
}
SECRETS, SECRET_FILES = gathered()
SHORT = [secret for secret in SECRETS if "\n" not in secret.value][::7]
RULE = {"metric": "bits_per_byte", "arm": "adapter", "confidence": 0.6, "severity": "block"}


def gates(gain=0.0):
    """Rules that every real adapter passes, but for the gain over the base model that is asked for."""
    return [
        {"name": "better than the base", "against": "base", "margin": gain, **RULE},
        {"name": "not worse than the champion", "against": "champion", "margin": 1.0, **RULE},
    ]


LEARNED = ("pipelines/lm", "pipelines/encoder", "pipelines/gates")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    source = make_repository(folder / "source", own_code(*LEARNED) | SECRET_FILES)
    once = source / "pipelines" / "once.py"
    once.write_text(
        "def connect(host):\n" + "".join(f"    {one.name} = {one.value!r}\n" for one in SHORT) + "    run(host)\n"
    )
    commit_all(source, f"Connect with {SHORT[0].value} for now")
    once.write_text("def connect(host):\n    run(host, secret=None)\n")
    commit_all(source, f"Do not keep {SHORT[1].value} in the code")
    made = make_workspace(folder / "workspace", {"demo": source}, **SMALL)
    change_gates(made)
    return made


@pytest.fixture(scope="module", autouse=True)
def home(place):
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("NOCTURNE_HOME", str(place))
        environ.setenv("PREFECT_HOME", str(place / ".prefect"))
        yield


@pytest.fixture(scope="module")
def prefect(place):
    """One server for every night but the first and the one that is killed, over the database that the first made."""
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    with temporary_settings({PREFECT_HOME: place / ".prefect"}), pytest.MonkeyPatch.context() as environ:
        server = SubprocessASGIServer()
        server.start(120)
        environ.setenv("PREFECT_API_URL", server.api_url)
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield
        server.stop()


@pytest.fixture(scope="module")
def project(place):
    return load_params(place).project("demo", place)


def night(force=False):
    from flows.nightly import nightly

    return nightly("demo", force)


def command(place, *arguments, **options):
    """The `nocturne` command as a user runs it."""
    code = "import sys; from pipelines.cli import main; sys.argv[0] = 'nocturne'; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=place, capture_output=True, text=True, timeout=300, **options
    )


def told(*arguments):
    """What the command says, without starting a process for it."""
    from typer.testing import CliRunner

    from pipelines.cli import app

    result = CliRunner().invoke(app, arguments)
    return SimpleNamespace(returncode=result.exit_code, stdout=result.stdout, stderr=result.stderr)


def repro(place):
    """`dvc repro` as a user runs it."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])  # noqa: PTH120
    command = [sys.executable, "-m", "dvc", "repro"]
    return subprocess.run(command, cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True)


def change(place, section, **values):
    params = yaml.safe_load((place / "params.yaml").read_text())
    params[section].update(values)
    (place / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def change_gates(place, gain=0.0):
    params = yaml.safe_load((place / "params.yaml").read_text())
    (place / "params.yaml").write_text(yaml.safe_dump({**params, "gates": gates(gain)}, sort_keys=False))


def so_far(project, stage, since=0.0):
    entry = journal.read(project, stage)
    at_work = entry and entry.state == "running" and entry.began >= since
    return entry.step["done"] if at_work and entry.step else 0


def wait_until(reached, running, seconds=180):
    deadline = time.monotonic() + seconds
    while not reached():
        assert running.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def last_run():
    """The last night in Prefect, and the state of its gates' task."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        run = client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)[0]
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
        tables = [one for one in client.read_artifacts() if one.key == "demo-gates" and one.flow_run_id == run.id]
    gates = next(task for task in tasks if task.name.startswith("gates"))
    return run.state, gates.state, json.loads(tables[0].data)


@pytest.fixture(scope="module")
def first(place, project):
    """The first night, by the command; what it said."""
    return command(place, "nightly", "demo")


@pytest.fixture(scope="module")
def killed(place, project, first, prefect):
    """A night after one edited function that is killed in training; what was seen of it."""
    file = project.source / "pipelines" / "lm" / "adapter_manifest.py"
    file.write_text(file.read_text().replace('MANIFEST = "learned.json"', 'MANIFEST = "whole.json"'))
    commit_all(project.source, "rename the manifest")
    change(place, "release", promotion="review")
    running = subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import main; main()", "nightly", "demo"],
        cwd=place,
        env={name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: so_far(project, "training") > 0, running)
    wait_until(lambda: so_far(project, "training") >= 6, running)  # the checkpoint after four is whole
    extraction, embedding = (journal.read(project, stage).facts for stage in ("extraction", "embedding"))
    second = command(place, "nightly", "demo")
    running.send_signal(signal.SIGKILL)
    running.wait()
    return SimpleNamespace(
        extraction=extraction,
        embedding=embedding,
        second=second,
        night=last_night.read_last_night(project),
        status=told("status").stdout,
        orphans=end_orphans(),  # its Prefect server, which a night by the command would end
        search=told("search", "adapter"),
        live=Releases(project).champion().version,
    )


@pytest.fixture(scope="module")
def waiting(killed):
    """The night after it, whose release waits for a person; its outcome."""
    return night()


@pytest.fixture(scope="module")
def promoted(place, project, waiting):
    """Release 2 is live, by a person; what was seen before and after."""
    before = Releases(project).champion().version, Releases(project).at(CHALLENGER).version
    again = command(place, "nightly", "demo")
    untouched = Releases(project).champion().version
    done = told("promote", "2", "--json")
    change(place, "release", promotion="auto")
    return SimpleNamespace(
        before=before, again=again, untouched=untouched, done=done, previous=Releases(project).at(PREVIOUS).version
    )


@pytest.fixture(scope="module")
def rolled_back(project, promoted):
    """Release 1 is live again; what was found before and after."""
    before = told("search", "MANIFEST whole.json", "--json")
    done = told("rollback", "--json")
    after = told("search", "MANIFEST whole.json", "--json")
    return SimpleNamespace(before=before, done=done, after=after, previous=Releases(project).at(PREVIOUS).version)


@pytest.fixture(scope="module")
def mended(place, project, rolled_back):
    """The live index was torn, and a night came; what was said."""
    torn = Releases(project).champion().index_version
    next((project.live / torn).rglob("*.dat")).unlink()
    verified = told("index", "verify", torn)
    again = command(place, "nightly", "demo")
    return SimpleNamespace(version=torn, torn=verified, again=again, whole=told("index", "verify", torn))


@pytest.fixture(scope="module")
def moved_by_hand(project, mended):
    """Release 2 is live, by MLflow's alias; what a search finds then."""
    Releases(project).client.set_registered_model_alias("demo", CHAMPION, "2")
    return told("search", "MANIFEST whole.json", "--json")


@pytest.fixture(scope="module")
def refused(place, project, moved_by_hand, prefect):
    """A night whose gates ask for too much; what was seen of it."""
    change_gates(place, gain=0.99)
    before = Releases(project).champion()
    with pytest.raises(GatesFailed, match="better than the base"):
        night()
    seen = SimpleNamespace(
        before=before,
        live=Releases(project).champion(),
        releases=len(Releases(project).every()),
        run=last_run(),
        night=last_night.read_last_night(project),
        status=told("status").stdout,
        again=command(place, "nightly", "demo"),
    )
    change_gates(place)
    return seen


@pytest.fixture(scope="module")
def killed_in_embedding(place, project, refused):
    """Many new functions, and an embedding that is killed; how many chunks there are, and what was found meanwhile."""
    text = "\n".join(f"def added_{n}(value):\n    return value * {n} + {n * n}\n" for n in range(400))
    (project.source / "pipelines" / "added.py").write_text(text)
    commit_all(project.source, "many functions")
    for stage in ("snapshot", "extraction"):
        dvc.reproduce(project, stage)
    chunks = sum(1 for _ in read_jsonl(project.path("extraction", "chunks.jsonl")))
    change(place, "embedding", batch_size=1)
    running = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "embedding", "demo"],
        cwd=place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: so_far(project, "embedding") >= 3, running)
    running.send_signal(signal.SIGKILL)
    running.wait()
    found = told("search", "adapter")
    return SimpleNamespace(chunks=chunks, found=found, facts=dvc.reproduce(project, "embedding").facts)


@pytest.fixture(scope="module")
def failed(place, project, killed_in_embedding):
    """Two nights in which validation fails; what was live before, between and after."""
    before = Releases(project).champion()
    change(place, "validation", min_examples=10**6)
    with pytest.raises(NocturneError) as error:
        night()
    live, found = Releases(project).champion(), told("search", "added_399")
    state = last_night.read_last_night(project).state
    with pytest.raises(NocturneError):
        night()
    return SimpleNamespace(
        before=before, error=error.value, live=live, found=found, state=state, after=Releases(project).champion()
    )


def test_a_night_makes_a_release_that_names_what_it_consists_of(first, project):
    assert first.returncode == 0, first.stderr
    assert "Release 1 is live" in first.stdout
    assert "gate: better than the base" in first.stdout
    ran = ["snapshot", "extraction", "history", "embedding", "dataset", "validation", "training", "evaluation"]
    ran += ["gates", "release", "gc"]
    assert sorted(line.split()[1] for line in first.stderr.splitlines() if line.startswith("✓")) == sorted(ran)
    # No banner and no warning of any library: what is read, where the details are, and a line a step.
    said = ("Reading ", "Learning ", "✓ ")
    assert [line for line in first.stderr.splitlines() if not line.startswith(said)] == []
    manifest = Releases(project).version(1).manifest
    assert manifest.base_model == "data/models/nano-coder"
    assert manifest.dataset_sha256 == file_sha256(project.path("dataset", "train.jsonl"))
    assert manifest.commit == git(project.source, "rev-parse", "HEAD").strip()
    assert (project.live / manifest.index_version).is_dir()
    assert [gate["passed"] for gate in manifest.gates] == [True] * len(gates())
    listed = json.loads(told("releases", "--json").stdout)
    assert [(one["version"], one["aliases"]) for one in listed] == [(1, ["champion"])]
    evaluation = read_json(project.path("evaluation", "evaluation.json"))
    assert evaluation["gains"]["adapter_vs_base"]["value"] > 0


def test_mlflow_has_the_loss_of_every_logged_step(first, project):
    from pipelines.registry.tracking import experiment_of, find_training, open_client

    mlflow = open_client(project.workspace)
    training = read_json(project.path("training", "training.json"))
    run = find_training(mlflow, experiment_of(mlflow, project), training["identity"])
    seen = [(metric.step, metric.value) for metric in mlflow.get_metric_history(run.info.run_id, "loss")]
    assert seen == [(int(entry["step"]), entry["loss"]) for entry in training["log"]]
    assert seen


def test_at_once_again_it_says_unchanged(first, place, project, prefect):
    began = time.time()
    done = command(place, "nightly", "demo")
    assert done.returncode == 0, done.stderr
    assert "Unchanged" in done.stdout
    assert journal.read(project, "training").began < began


def test_dvc_has_nothing_to_do_after_a_night(first, place, project):
    assert dvc.find_stale(project) == []
    done = repro(place)
    assert done.returncode == 0, done.stderr
    skipped = {line.split("'")[1] for line in done.stdout.splitlines() if "didn't change, skipping" in line}
    assert skipped == {f"{stage}@demo" for stage in NAMES if stage != "snapshot"}


def test_deleted_outputs_come_back_in_the_same_bytes(first, place, project):
    stages = [stage for stage in NAMES if stage != "snapshot"]
    before = {stage: tree_sha256(project.path(stage)) for stage in stages}
    for folder in (*map(project.path, stages), project.cache, place / ".dvc" / "cache"):
        shutil.rmtree(folder, ignore_errors=True)
    done = repro(place)
    assert done.returncode == 0, done.stderr
    assert {stage: tree_sha256(project.path(stage)) for stage in stages} == before


def test_the_assistant_answers_with_citations_of_real_lines(first, project):
    done = told("ask", "what did a training make of the base model?", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["citations"]
    for one in answer["citations"]:
        lines = (project.source / one["path"]).read_text().splitlines()
        assert 1 <= one["start_line"] <= one["end_line"] <= len(lines)
        assert one["text"].splitlines()[0].strip() in lines[one["start_line"] - 1]


def test_the_champion_completes_code(first):
    done = told("complete", "pipelines/lm/base_model.py:20", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["notices"] == []


def test_a_night_after_one_edited_function_reads_and_embeds_little_else(killed):
    assert killed.extraction["parsed"] == 1
    assert killed.extraction["reused"] == killed.extraction["files"] - 1
    assert 1 <= killed.embedding["embedded"] <= 3
    assert killed.second.returncode == 1
    assert "already running" in killed.second.stderr


def test_a_night_that_is_killed_in_training_says_so_and_leaves_what_was_live(killed):
    assert (killed.night.state, killed.night.stage) == ("crashed", "training")
    assert "last night crashed in training; it began 20" in killed.status
    assert "running    no" in killed.status
    assert killed.orphans == 1
    assert killed.search.returncode == 0
    assert killed.live == 1


def test_the_night_after_one_that_was_killed_goes_on_where_it_was(waiting):
    facts = {stage["stage"]: stage.get("facts", {}) for stage in waiting["stages"]}
    assert facts["training"]["resumed_at"] >= 4
    assert waiting["state"] == "waiting"
    assert waiting["release"] == 2


def test_with_review_a_release_waits_for_a_person(promoted):
    assert promoted.before == (1, 2)
    assert "waits for review" in promoted.again.stdout
    assert promoted.untouched == 1
    assert json.loads(promoted.done.stdout)["version"] == 2
    assert promoted.previous == 1


def test_prefect_shows_each_stage_the_gates_and_a_summary(waiting, prefect):
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        keys = {artifact.key for artifact in client.read_artifacts()}
        flow_runs = {run.name for run in client.read_flow_runs()}
        tasks = {run.name.rsplit("-", 1)[0] for run in client.read_task_runs()}
    assert {"demo-training", "demo-gates", "demo-summary"} <= keys
    assert flow_runs == {"demo"}
    assert {"extraction", "training", "evaluation", "gates", "release"} <= tasks


def test_rollback_brings_back_adapter_and_index_together(project, rolled_back):
    old, new = Releases(project).version(1), Releases(project).version(2)
    assert old.manifest.index_version != new.manifest.index_version
    assert "whole.json" in rolled_back.before.stdout
    assert json.loads(rolled_back.done.stdout)["version"] == 1
    assert json.loads(rolled_back.after.stdout)
    assert "whole.json" not in rolled_back.after.stdout
    assert rolled_back.previous == 2


def test_a_night_mends_a_torn_live_index_also_of_an_earlier_one(mended):
    assert mended.torn.returncode == 1
    assert "Unchanged" in mended.again.stdout
    assert mended.whole.stdout == f"{mended.version}  intact\n"


def test_an_alias_moved_by_hand_has_the_same_effect(moved_by_hand):
    assert "whole.json" in moved_by_hand.stdout


def test_failed_gates_leave_everything_as_it_was(refused):
    assert refused.live.version == refused.before.version
    assert refused.releases == 2
    night_state, gates_state, table = refused.run
    assert (night_state.name, night_state.type, gates_state.name) == ("Refused", "FAILED", "Refused")
    assert "failed its gates" in night_state.message
    assert list(table[0])[:5] == ["verdict", "gate", "gain", "interval", "needed"]
    assert (table[0]["verdict"], table[0]["gain"][-1], table[1]["verdict"]) == ("REFUSED", "%", "skipped")
    assert refused.night.state == "rejected"
    assert "last night refused by its gates, 20" in refused.status
    assert refused.again.returncode == 3
    assert "failed its gates" in refused.again.stdout


def test_killed_in_embedding_finished_chunks_are_kept(killed_in_embedding):
    facts = killed_in_embedding.facts
    assert killed_in_embedding.found.returncode == 0
    assert facts["embedded"] + facts["reused"] == facts["chunks"] == killed_in_embedding.chunks
    assert facts["reused"] >= 3


def test_a_stage_that_fails_says_why_and_the_index_follows_all_the_same(project, failed):
    live = failed.live
    assert "1,000,000" in failed.error.fact or "1000000" in failed.error.fact
    assert project.path("dataset", "train.jsonl").exists()
    assert (live.version, live.adapter_version, live.manifest.training) == (3, 2, failed.before.manifest.training)
    assert f"its index is release {live.version}" in failed.error.next_step
    assert "added.py" in failed.found.stdout
    assert failed.state == "failed"
    assert failed.after == live, "it is released once"


def test_no_planted_secret_is_in_anything_that_these_nights_have_made(failed, place, project):
    traces = Traces(SECRETS)
    assert traces.kinds("".join(SECRET_FILES.values()).encode()) == {secret.kind for secret in SECRETS}
    files = [path for path in place.rglob("*") if path.is_file() and "models" not in path.parts]
    assert {".dvc", "mlruns", "live", ".prefect", "night.log"} <= {part for path in files for part in path.parts}
    assert [path for path in files if traces.kinds(path.read_bytes())] == []
    read = {file["path"] for file in read_jsonl(project.path("extraction", "files.jsonl"))}
    assert len(read & SECRET_FILES.keys()) == 9  # a notebook that is not written line by line is not read at all
    assert "pipelines/once.py" in read
    assert sum(1 for _ in read_jsonl(project.path("extraction", "findings.jsonl"))) >= 0.8 * len(SECRETS)
