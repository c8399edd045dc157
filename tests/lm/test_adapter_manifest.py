"""What was learned says itself what it is; a folder that does not is refused."""

import pytest

from pipelines.errors import NocturneError
from pipelines.lm.adapter_manifest import BARE, AdapterManifest, read_manifest, write_manifest
from pipelines.records import write_json


def test_a_folder_says_what_it_holds(tmp_path):
    write_manifest(tmp_path, "model", quantised=False)
    assert read_manifest(tmp_path) == AdapterManifest("model", quantised=False, folder=tmp_path)
    assert read_manifest(None) == BARE


@pytest.mark.parametrize("said", [None, [], {}, {"kind": "adapter"}, {"kind": "something", "quantised": True}])
def test_a_folder_that_does_not_say_what_was_learned_is_refused(tmp_path, said):
    if said is not None:
        write_json(tmp_path / "learned.json", said)
    with pytest.raises(NocturneError, match="does not say what was learned"):
        read_manifest(tmp_path)
