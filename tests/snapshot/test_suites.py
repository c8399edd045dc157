"""Test suites enter with the snapshot: cleaned, checked strictly, from the repository and from the workspace."""

import json

import pytest
from conftest import ROOT, commit_all

from pipelines.config.load import load_params
from pipelines.errors import UsageError
from pipelines.project import Project
from pipelines.snapshot.suites import read_suites
from pipelines.source.tracked import tracked_files

CLEANING = load_params(ROOT).cleaning
CASE = {"name": "a class", "prompt": "Write a class.", "expected_patterns": ["class "]}


@pytest.fixture
def read(repository, tmp_path):
    """Reads the suites of a repository with these files, and of a workspace with those."""

    def found(theirs, ours=()):
        source = repository({f"evaluation/suites/{name}": text for name, text in theirs.items()})
        folder = tmp_path / "workspace" / "evaluation" / "suites"
        folder.mkdir(parents=True)
        for name, text in dict(ours).items():
            (folder / name).write_text(text)
        commit_all(source)
        return read_suites(Project("demo", source, tmp_path / "workspace"), tracked_files(source)[0], CLEANING)

    return found


def test_cases_of_the_repository_and_of_the_workspace_are_read_with_where_they_are_from(read):
    cases = read({"b.json": json.dumps([CASE])}, {"a.json": json.dumps([{**CASE, "forbidden_patterns": ["eval"]}])})
    assert [case["path"] for case in cases] == ["evaluation/suites/b.json", "workspace/evaluation/suites/a.json"]
    assert cases[0] == {
        **CASE,
        "path": "evaluation/suites/b.json",
        "forbidden_patterns": [],
        "must_compile": False,
        "language": "",
    }


def test_only_json_right_in_the_folder_is_a_suite(read):
    assert read({"notes.md": "x", "deep/c.json": "{"}) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "evaluation/suites/x.json is no test suite"),
        ("{}", "it is no list of cases"),
        (json.dumps([CASE, CASE]), "two cases have the same name"),
        (json.dumps([{**CASE, "expected": []}]), "case 0.expected: Extra inputs are not permitted"),
        (json.dumps([{**CASE, "expected_patterns": ["("]}]), "'(' is no regular expression"),
        (json.dumps([{**CASE, "expected_patterns": []}]), "every answer would pass"),
        (json.dumps([{**CASE, "must_compile": True}]), "must_compile wants a language"),
    ],
)
def test_what_is_no_suite_is_named_with_its_reason(read, text, said):
    with pytest.raises(UsageError) as error:
        read({"x.json": text})
    assert said in error.value.fact


def test_a_secret_in_a_suite_is_blotted_out(read):
    secret = "ghp_" + "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"
    cases = read({"x.json": json.dumps([{**CASE, "prompt": f"Use token {secret} to log in."}])})
    assert secret not in cases[0]["prompt"]
    assert "to log in." in cases[0]["prompt"]
