"""Index versions beside the releases that name them: listed, mended, moved, and answered from while one is torn."""

import json

import pytest
import yaml
from conftest import make_repository, make_workspace, with_database
from release.night_results import GATES, candidate_of, kept_by_dvc, write_night

from pipelines import cli
from pipelines.config.load import load_params
from pipelines.errors import NocturneError, TornIndex
from pipelines.index import is_present, open_index
from pipelines.index.store import server_store
from pipelines.registry.releases import Releases
from pipelines.release import index_versions
from pipelines.release.publish import publish_candidate


@pytest.fixture
def place(tmp_path, mlflow_database, monkeypatch):
    """A workspace whose project has two releases: the first said `moon`, the live one says `sun`."""
    source = make_repository(tmp_path / "source", {"a.py": "A = 1\n"})
    folder = with_database(make_workspace(tmp_path / "workspace", {"sky": source}), mlflow_database)
    project, params = load_params(folder).project("sky", folder), load_params(folder)
    for word in ("moon", "sun"):
        write_night(project, word)
        publish_candidate(Releases(project), params, candidate_of(project, word), True, GATES)
    monkeypatch.setenv("NOCTURNE_HOME", str(folder))
    return project


@pytest.fixture
def nocturne(monkeypatch, capfd):
    """Runs the command in this process; returns (exit code, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["nocturne", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return run


def tear(project, version):
    next((project.live / version).rglob("*.dat")).unlink()


def counted(project):
    """A question that needs nothing but the release's index."""

    def ask(live):
        with open_index(project, load_params(project.workspace).index, live.index_version) as index:
            return live.version, index.count()

    return ask


def test_versions_are_listed_with_their_releases_and_what_is_damaged(place, nocturne):
    live, former = Releases(place).version(2).index_version, Releases(place).version(1).index_version
    tear(place, former)
    code, out, _ = nocturne("index", "list", "--json")
    first, second = json.loads(out)
    assert code == 0
    assert (first["version"], first["live"], first["whole"], first["releases"]) == (live, True, True, [2])
    assert (first["count"], first["dimension"], first["encoder"]) == (4, 16, "m")
    assert (second["version"], second["live"], second["whole"], second["releases"]) == (former, False, False, [1])
    code, out, _ = nocturne("index", "list")
    assert "live" in out.splitlines()[0]
    assert "damaged" in out.splitlines()[1]


def test_verify_fails_on_a_torn_version_and_rebuild_mends_what_can_be_mended(place, nocturne):
    assert nocturne("index", "verify")[0] == 0
    live, former = Releases(place).version(2).index_version, Releases(place).version(1).index_version
    tear(place, live)
    code, out, err = nocturne("index", "verify")
    assert code == 1
    assert f"{live}  shard/" in out
    assert "nocturne index rebuild" in err
    assert nocturne("index", "rebuild") == (0, f"{live}  intact\n", "")
    tear(place, former)
    code, out, _ = nocturne("index", "rebuild")
    assert code == 1
    assert f"{former}  Version {former} of sky cannot be built again" in out


def test_what_an_earlier_release_is_made_of_is_kept_until_something_of_it_is_forgotten(place, nocturne):
    params, releases = load_params(place.workspace), Releases(place)
    write_night(place, "mars")
    made = {stage: kept_by_dvc(place, stage) for stage in ("extraction", "embedding")}
    publish_candidate(Releases(place), params, candidate_of(place, "mars", index_dvc=made), True, GATES)
    live = releases.champion()
    write_night(place, "rejected")
    tear(place, live.index_version)
    index_versions.repair_live(Releases(place), params)
    assert index_versions.verify_version(place, params, None)[live.index_version] == []
    releases.reindex(live.version, live.index_version, "forgot src/mars.py")
    tear(place, live.index_version)
    with pytest.raises(NocturneError, match="no chunks and vectors that are kept make it") as error:
        index_versions.repair_live(Releases(place), params)
    assert "nocturne index restore" in error.value.next_step


def test_what_dvc_has_lost_mends_nothing(place):
    params = load_params(place.workspace)
    write_night(place, "mars")
    lost = {"extraction": "0" * 32 + ".dir", "embedding": "1" * 32 + ".dir"}
    publish_candidate(Releases(place), params, candidate_of(place, "mars", index_dvc=lost), True, GATES)
    write_night(place, "rejected")
    tear(place, Releases(place).champion().index_version)
    with pytest.raises(NocturneError, match="cannot be built again"):
        index_versions.repair_live(Releases(place), params)


def test_a_torn_live_index_is_answered_for_by_the_release_before_it_and_said(place):
    params, ask = load_params(place.workspace), counted(place)
    assert index_versions.open_served(place, params, ask) == ((2, 4), [])
    tear(place, Releases(place).champion().index_version)
    answer, (notice,) = index_versions.open_served(place, params, ask)
    assert answer == (1, 4)
    assert "Release 1 answers instead of release 2" in notice
    assert "nocturne index rebuild" in notice
    tear(place, Releases(place).version(1).index_version)
    with pytest.raises(TornIndex):
        index_versions.open_served(place, params, ask)


def test_status_tells_what_the_live_index_takes_and_when_it_is_torn(place, nocturne):
    code, out, _ = nocturne("status", "sky")
    assert code == 0
    assert "index      4 chunks, float32, needs " in out
    assert "of 500 MB" in out
    version = Releases(place).champion().index_version
    tear(place, version)
    assert f"version {version} is damaged or missing" in nocturne("status", "sky")[1]
    assert json.loads(nocturne("status", "sky", "--json")[1])["index"]["whole"] is False


def test_another_failure_than_a_torn_index_is_told_as_it_is(place):
    def fails(live):
        raise NocturneError("the server is down", "start it")

    with pytest.raises(NocturneError, match="server is down"):
        index_versions.open_served(place, load_params(place.workspace), fails)


def test_moving_to_a_server_sets_the_url_last_and_keeps_comments_and_data(place, nocturne, monkeypatch):
    from qdrant_client import QdrantClient

    file = place.workspace / "params.local.yaml"
    file.write_text("# mine\nsearch: {min_score: 0.1} # measured\n")
    before = file.read_text()
    client = QdrantClient(":memory:")
    monkeypatch.setattr(client, "close", lambda: None)
    monkeypatch.setattr(server_store, "connect", lambda url: client)
    with monkeypatch.context() as broken:
        broken.setattr("pipelines.index.versions.build._does_find", lambda *_: False)
        assert nocturne("index", "move", "http://127.0.0.1:6333")[0] == 1
    assert file.read_text() == before
    code, out, _ = nocturne("index", "move", "http://127.0.0.1:6333")
    assert (code, "sky  2 versions" in out) == (0, True)
    assert yaml.safe_load(file.read_text())["index"]["url"] == "http://127.0.0.1:6333"
    assert file.read_text().startswith(before)
    there, here = load_params(place.workspace).index, load_params(place.workspace).index.model_copy(update={"url": ""})
    for number in (1, 2):
        version = Releases(place).version(number).index_version
        assert is_present(place, there, version)
        assert is_present(place, here, version)
    assert nocturne("index", "move", "embedded")[0] == 0
    assert yaml.safe_load(file.read_text())["index"]["url"] == ""
    assert nocturne("index", "move", "embedded")[0] == 2


def test_a_backup_brings_back_what_cannot_be_built(place, nocturne, tmp_path):
    file = tmp_path / "index.tar.gz"
    assert nocturne("index", "backup", str(file))[0] == 0
    former = Releases(place).version(1).index_version
    tear(place, former)
    assert nocturne("index", "restore", str(file))[0] == 0
    assert nocturne("index", "verify")[0] == 0
    assert nocturne("index", "restore", str(tmp_path / "none"))[0] == 2
