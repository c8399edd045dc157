"""A version whose points were made by another schema is torn, and is built again from what is kept, on both engines."""

from contextlib import closing

import pytest
from test_index import edge, engine_params, made_project, params, project, some_chunks, unit_vectors

from pipelines.errors import NocturneError, TornIndex, UsageError
from pipelines.index import Inputs, is_present, open_index, publish
from pipelines.index.store import manifest
from pipelines.index.store.factory import open_store
from pipelines.index.versions import maintain
from pipelines.index.versions.backup import backup, restore


@pytest.fixture(params=[manifest.SCHEMA - 1, manifest.SCHEMA + 1])
def other_schema(request, monkeypatch):
    """A call under another schema."""

    def call(action, *args):
        with monkeypatch.context() as patched:
            patched.setattr(manifest, "SCHEMA", request.param)
            return action(*args)

    return call


def test_it_is_torn_and_built_again_of_what_the_stages_made(project, params, other_schema):
    version = other_schema(publish, project, params).version
    assert not is_present(project, params.index, version)
    with pytest.raises(TornIndex, match="missing or damaged") as caught:
        open_index(project, params.index, version)
    assert f"nocturne index rebuild {version}" in caught.value.next_step
    (wrong,) = maintain.verify(project, params, version)
    assert "another version of Nocturne" in wrong
    assert maintain.rebuild(project, params, version).version == version
    assert maintain.verify(project, params, version) == []


def test_it_is_built_again_of_what_is_kept_of_an_earlier_night(project, params, other_schema, tmp_path):
    version = other_schema(publish, project, params).version
    kept = Inputs.of(made_project(tmp_path / "kept", some_chunks(), unit_vectors(6)))
    made_project(tmp_path, some_chunks()[:3], unit_vectors(3))
    with pytest.raises(NocturneError, match="cannot be built again"):
        maintain.rebuild(project, params, version)
    assert maintain.rebuild(project, params, version, [kept]).count == 6
    assert maintain.verify(project, params, version) == []


def test_a_night_that_embeds_the_same_publishes_it_again(project, params, other_schema):
    version = other_schema(publish, project, params).version
    assert publish(project, params).version == version
    assert is_present(project, params.index, version)


def test_it_is_listed_and_leaves_with_its_name(project, params, other_schema):
    version = other_schema(publish, project, params).version
    (held,) = maintain.list_versions(project, params.index)
    assert (held.version, held.whole) == (version, False)
    with closing(open_store(project, params.index)) as store:
        store.remove(version)
    assert maintain.list_versions(project, params.index) == []


def test_a_backup_of_it_is_refused(project, edge, other_schema, tmp_path):
    version = other_schema(publish, project, edge).version
    other_schema(backup, project, edge, [version], tmp_path / "index.tar.gz")
    with pytest.raises(UsageError, match="another version of Nocturne"):
        restore(project, edge, tmp_path / "index.tar.gz")
