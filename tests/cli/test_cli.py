"""The command as a user meets it: wrong input is two lines with the next step, and never a traceback."""

import json
from importlib.metadata import version

import pytest
import yaml
from conftest import ROOT, commit_all, git, make_repository, make_workspace

from pipelines import cli
from pipelines.config.layers import override
from pipelines.config.load import load_params
from pipelines.records import read_jsonl

DOCUMENTED = '''def wax(days):
    """How full the moon is after so many days."""
    phase = days % 29.5
    return min(phase, 29.5 - phase) / 14.75
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = make_workspace(tmp_path / "workspace", {})
    monkeypatch.setenv("NOCTURNE_HOME", str(folder))
    return folder


@pytest.fixture
def nocturne(place, monkeypatch, capfd):
    """Runs the command in this process; returns (exit code, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["nocturne", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code or 0, out, err

    return run


def add(place, name, source):
    values = yaml.safe_load((place / "params.yaml").read_text())
    values["projects"][name] = {"source": str(source)}
    (place / "params.yaml").write_text(yaml.safe_dump(values))


def two_lines(stderr):
    """The error's one line, after checking that the next step follows it and only a night's first line precedes it."""
    *before, error, step = stderr.strip().splitlines()
    assert [line for line in before if not line.startswith("Reading ")] == []
    assert len(before) <= 1
    assert step.startswith("→ ")
    return error


@pytest.mark.parametrize(
    ("least", "said"), [(0.4, "No passage scores search.min_score (0.4)"), (0, "No passage was found")]
)
def test_a_search_without_a_hit_says_why(nocturne, place, monkeypatch, least, said):
    add(place, "moon", ROOT)
    values = yaml.safe_load((place / "params.yaml").read_text())
    values["search"]["min_score"] = least
    (place / "params.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.setattr("pipelines.release.index_versions.open_served", lambda place, params, asks: ([], []))
    code, out, err = nocturne("search", "cherry cake")
    assert (code, out) == (0, "")
    assert said in err


def test_a_source_that_does_not_exist(nocturne, place, tmp_path):
    code, _, err = nocturne("add", "moon", str(tmp_path / "nowhere"))
    assert code == 2
    assert "does not exist" in two_lines(err)
    assert "nocturne add" in err
    add(place, "moon", tmp_path / "nowhere")
    code, _, err = nocturne("nightly", "moon")
    assert code == 1
    assert "does not exist" in two_lines(err)


def test_a_source_that_is_no_repository(nocturne, place, tmp_path):
    (tmp_path / "plain").mkdir()
    code, _, err = nocturne("add", "moon", str(tmp_path / "plain"))
    assert code == 2
    assert "not a git repository" in two_lines(err)
    assert not (place / "params.local.yaml").exists()
    add(place, "moon", tmp_path / "plain")
    code, _, err = nocturne("nightly", "moon")
    assert code == 1
    assert "not a git repository" in two_lines(err)


def test_an_empty_repository(nocturne, place, tmp_path):
    git(tmp_path, "init", "-q", "empty")
    add(place, "moon", tmp_path / "empty")
    code, _, err = nocturne("nightly", "moon")
    assert code == 1
    assert "is empty" in two_lines(err)


def test_an_unknown_project(nocturne, place):
    code, _, err = nocturne("nightly", "mars")
    assert code == 2
    assert "no project `mars`" in two_lines(err)
    assert "Did you mean" not in err
    add(place, "moon", ROOT)
    assert "Did you mean `moon`?" in nocturne("status", "mon")[2]


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("https://github.com/ada/moon.git", "moon"),
        ("HTTPS://github.com/ada/moon/", "moon"),
        ("ssh://git@host/ada/moon", "moon"),
        ("git@host:moon.git", "moon"),
    ],
)
def test_a_url_is_to_be_cloned_first(nocturne, place, url, folder):
    code, _, err = nocturne("add", "moon", url)
    assert code == 2
    assert "is a URL" in two_lines(err)
    assert f"`git clone {url} {folder}`, then `nocturne add moon {folder}`" in err
    assert not (place / "params.local.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serch", "moon"), "Did you mean 'search'?"),
        (("index", "verfy"), "Did you mean 'verify'?"),
        (("search", "moon", "--projet", "x"), "--project"),
    ],
)
def test_a_mistyped_command_or_option_is_answered_with_the_nearest(nocturne, arguments, said):
    code, _, err = nocturne(*arguments)
    assert code == 2
    assert said in err


def test_the_version_and_the_short_help(nocturne):
    assert nocturne("--version") == (0, f"nocturne {version('nocturne')}\n", "")
    assert nocturne("-h") == nocturne("--help")
    assert nocturne("index", "move", "-h") == nocturne("index", "move", "--help")


@pytest.mark.parametrize(("words", "meant"), [("nocturne pro", "promote"), ("nocturne status --project mo", "moon")])
def test_the_shell_completes_commands_and_projects(nocturne, place, monkeypatch, words, meant):
    add(place, "moon", ROOT)
    monkeypatch.setenv("_NOCTURNE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    assert nocturne()[:2] == (0, f"{meant}\n")


def test_a_missing_key_is_said_once_and_the_command_goes_on(nocturne, place):
    add(place, "moon", ROOT)
    file = place / "params.yaml"
    file.write_text(file.read_text().replace("  rerank: ''\n", ""))
    code, _, err = nocturne("releases")
    assert code == 0
    said = 'params.yaml lacks `search.rerank`; the shipped value "" is used. Run `nocturne migrate` to write it.\n'
    assert err == said


@pytest.mark.parametrize("command", ["nightly", "status", "watch"])
def test_these_take_the_project_as_argument_and_as_option(nocturne, place, tmp_path, command):
    for name in ("moon", "sun"):
        add(place, name, tmp_path / f"no-{name}")
    by_name, by_option = nocturne(command, "sun"), nocturne(command, "--project", "sun")
    assert by_name == by_option == nocturne(command, "sun", "-p", "sun")
    assert "sun" in by_name[1] + by_name[2]
    assert "Two projects are given, sun and --project moon." in nocturne(command, "sun", "-p", "moon")[2]


def test_no_project_at_all(nocturne):
    code, _, err = nocturne("status")
    assert code == 2
    assert "nocturne add" in err


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("training", "epoch", 3, "unknown key `training.epoch`"),
        ("training", "rank", "many", "`training.rank` = 'many'"),
    ],
)
def test_a_mistake_in_params(nocturne, place, section, key, value, said):
    values = yaml.safe_load((place / "params.yaml").read_text())
    values[section][key] = value
    (place / "params.yaml").write_text(yaml.safe_dump(values))
    code, _, err = nocturne("nightly")
    assert code == 2
    assert said in two_lines(err)


def test_adding_a_project_changes_the_local_file_alone(nocturne, place, tmp_path):
    before = (place / "params.yaml").read_bytes()
    source = make_repository(tmp_path / "moon", {"a.py": DOCUMENTED})
    code, out, _ = nocturne("add", "moon", str(source))
    assert code == 0
    assert "nocturne nightly moon" in out
    assert (place / "params.yaml").read_bytes() == before
    assert yaml.safe_load((place / "params.local.yaml").read_text()) == {"projects": {"moon": {"source": str(source)}}}
    assert load_params(place).project("moon", place).source == source
    assert nocturne("add", "moon", str(source))[0] == 2
    assert nocturne("add", "Moon!", str(source))[0] == 2


@pytest.mark.parametrize("command", [("search", "moon"), ("ask", "moon?"), ("complete", "a.py:1"), ("rollback",)])
def test_before_the_first_night_the_day_side_says_so(nocturne, place, tmp_path, command):
    add(place, "moon", make_repository(tmp_path / "moon", {"a.py": DOCUMENTED}))
    code, _, err = nocturne(*command)
    assert code == 1
    two_lines(err)


def test_status_and_releases_before_the_first_night(nocturne, place, tmp_path):
    add(place, "moon", make_repository(tmp_path / "moon", {"a.py": DOCUMENTED}))
    assert json.loads(nocturne("status", "--json")[1])["champion"] is None
    assert json.loads(nocturne("releases", "--json")[1]) == []
    assert "nocturne nightly moon" in nocturne("releases")[1]


def test_files_that_cannot_be_read_are_listed_with_their_reason(nocturne, place, tmp_path):
    """One source file alone is too little to learn from, so the night ends early; the list is there all the same."""
    (tmp_path / "secret.py").write_text("KEY = 'outside'\n")
    files = {
        "a.py": DOCUMENTED,
        "binary.py": b"\x00\x01\x02",
        "latin.py": "name = 'é'\n".encode("latin-1"),
        "min.js": "var a=1;" * 2000,
    }
    source = make_repository(tmp_path / "moon", files)
    (source / "link.py").symlink_to(tmp_path / "secret.py")
    with open(source / "huge.py", "wb") as file:
        file.truncate(50 * 1024 * 1024)
    commit_all(source)
    add(place, "moon", source)
    from pipelines.dag import dvc
    from pipelines.errors import NocturneError

    project = load_params(place).project("moon", place)
    for stage in ("snapshot", "extraction", "history", "embedding"):
        dvc.reproduce(project, stage)
    reasons = {row["path"]: row["reason"] for row in read_jsonl(project.path("extraction", "skipped.jsonl"))}
    assert set(reasons) == {"binary.py", "latin.py", "min.js", "link.py", "huge.py"}
    assert all(reasons.values())
    assert "outside" not in project.path("extraction", "files.jsonl").read_text()
    with pytest.raises(NocturneError, match="from different files"):
        dvc.reproduce(project, "dataset")


def test_wrong_use_is_exit_code_2(nocturne, place, tmp_path):
    add(place, "moon", make_repository(tmp_path / "moon", {"a.py": DOCUMENTED}))
    assert nocturne("complete", "a.py")[0] == 2
    assert nocturne("promote", "one")[0] == 2
    assert "is not PATH" in two_lines(nocturne("trace", "")[2])
    assert nocturne("forget", " ")[0] == 2
    assert nocturne("dance")[0] == 2


@pytest.mark.parametrize("option", ["--prefect-port", "--mlflow-port"])
@pytest.mark.parametrize("port", ["99999", "65536", "0", "-1"])
def test_a_port_that_does_not_exist_is_wrong_use(nocturne, place, option, port):
    add(place, "moon", place)
    code, _, err = nocturne("up", option, port)
    assert code == 2
    assert f"Invalid value for '{option}'" in err


def test_outside_a_workspace_it_says_where_to_go(monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("NOCTURNE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["nocturne", "status"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "NOCTURNE_HOME" in capfd.readouterr().err


def test_doctor_names_what_is_wrong_and_what_to_do(nocturne, place, tmp_path):
    source = make_repository(tmp_path / "moon", {"a.py": DOCUMENTED})
    add(place, "moon", source)
    rows = {row["check"]: row for row in json.loads(nocturne("doctor", "--json")[1])}
    assert {"sources", "reranker"} <= rows.keys()
    assert all(row["ok"] for row in rows.values()), rows
    assert rows["last night"]["detail"] == "none yet"
    add(place, "moon", tmp_path / "gone")
    override(place, {"search": {"rerank": str(tmp_path / "no-model")}})
    code, out, _ = nocturne("doctor")
    assert code == 1
    assert "✗ sources" in out
    assert "✗ reranker" in out
