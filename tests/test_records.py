import pytest

from pipelines.errors import NocturneError
from pipelines.records import fingerprint, read_jsonl, tree_sha256, write_json, write_jsonl


def test_the_same_records_are_the_same_bytes(tmp_path):
    write_jsonl(tmp_path / "a", [{"b": 1, "a": "é"}])
    write_jsonl(tmp_path / "b", [{"a": "é", "b": 1}])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_line_separators_in_text_do_not_split_a_record(tmp_path):
    records = [{"text": "a\u2028b\x85c\r\nd"}]
    write_jsonl(tmp_path / "a", records)
    assert list(read_jsonl(tmp_path / "a")) == records


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_jsonl(tmp_path / "a", [{"n": 1}])

    def broken():
        yield {"n": 2}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_jsonl(tmp_path / "a", broken())
    assert list(read_jsonl(tmp_path / "a")) == [{"n": 1}]


def test_a_truncated_file_names_its_line(tmp_path):
    (tmp_path / "a").write_text('{"n": 1}\n{"n": ')
    with pytest.raises(NocturneError, match="line 2"):
        list(read_jsonl(tmp_path / "a"))


def test_fingerprints_follow_content_only(tmp_path):
    write_json(tmp_path / "one" / "f", 1)
    write_json(tmp_path / "two" / "f", 1)
    assert tree_sha256(tmp_path / "one") == tree_sha256(tmp_path / "two")
    write_json(tmp_path / "two" / "f", 2)
    assert tree_sha256(tmp_path / "one") != tree_sha256(tmp_path / "two")
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
