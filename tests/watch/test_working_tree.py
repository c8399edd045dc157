"""What is believed of a file that is just being written."""

from conftest import ROOT, make_repository

from pipelines.config.load import load_params
from pipelines.project import Project
from pipelines.watch.working_tree import WorkingTree


def test_a_file_that_is_written_in_place_is_not_taken_for_an_empty_one(tmp_path, monkeypatch):
    source = make_repository(tmp_path / "source", {"a.py": "a = 1\n", "b.py": "b = 1\n"})
    tree = WorkingTree(Project("demo", source, tmp_path), load_params(ROOT))
    file, before = tree.root / "a.py", tree.items["a.py"]
    monkeypatch.setattr("pipelines.watch.working_tree.EMPTY_S", 3600)
    with file.open("w") as writing:
        assert not tree.look([file])
        assert tree.items["a.py"] == before
        writing.write("a = 2\n")
    assert tree.look([file])
    assert tree.items["a.py"]["size"] == 6
    monkeypatch.setattr("pipelines.watch.working_tree.EMPTY_S", 0)
    assert tree.emptied() == []


def test_a_file_that_stays_empty_is_believed_after_a_moment(tmp_path, monkeypatch):
    source = make_repository(tmp_path / "source", {"a.py": "a = 1\n", "b.py": "b = 1\n"})
    tree = WorkingTree(Project("demo", source, tmp_path), load_params(ROOT))
    file = tree.root / "a.py"
    monkeypatch.setattr("pipelines.watch.working_tree.EMPTY_S", 3600)
    file.write_text("")
    assert not tree.look([file])
    assert not tree.look([file])
    assert tree.emptied() == []
    monkeypatch.setattr("pipelines.watch.working_tree.EMPTY_S", 0)
    assert tree.emptied() == [file]
    assert tree.look([file])
    assert tree.items["a.py"]["size"] == 0
    assert tree.emptied() == []
    assert not tree.look([file])
