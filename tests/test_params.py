import pytest
import yaml
from conftest import ROOT

from pipelines.errors import UsageError
from pipelines.params import load_params


@pytest.fixture
def values():
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def written(folder, values):
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    return folder


def test_shipped_params_are_valid_and_name_this_repository():
    params = load_params(ROOT)
    assert params.project("nocturne", ROOT).source == ROOT


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("training", "epoch", 3, "unknown key `training.epoch`"),
        ("training", "rank", "16", "`training.rank` = '16'"),
        ("training", "rank", 0, "`training.rank` = 0"),
        ("dataset", "recipes", {"implement": 1.0, "complete": 0.5}, "`dataset.recipes.explain` is missing"),
        ("assistant", "answer", "guess", "`assistant.answer` = 'guess'"),
        ("extraction", "overlap_chars", 1500, "at most half"),
        ("gates", "min_gain", float("nan"), "`gates.min_gain` = nan"),
        ("schedule", "cron", "at two", "not a cron expression"),
        ("schedule", "timezone", "Mars/Olympus", "not a time zone"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_value(tmp_path, values, section, key, value, said):
    values[section][key] = value
    with pytest.raises(UsageError) as error:
        load_params(written(tmp_path, values))
    assert said in error.value.fact
    assert "\n" not in error.value.fact
    assert error.value.exit_code == 2


def test_a_missing_key_is_named(tmp_path, values):
    del values["training"]["rank"]
    with pytest.raises(UsageError, match=r"key `training.rank` is missing"):
        load_params(written(tmp_path, values))


def test_a_project_cannot_take_a_folder_that_nocturne_uses(tmp_path, values):
    values["projects"] = {"models": {"source": "."}}
    with pytest.raises(UsageError, match="`models` is a folder"):
        load_params(written(tmp_path, values))


def test_broken_yaml_is_one_line(tmp_path):
    (tmp_path / "params.yaml").write_text("a: [1\nb: }")
    with pytest.raises(UsageError) as error:
        load_params(tmp_path)
    assert "\n" not in error.value.fact


def test_an_unknown_project_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match=r"`moon`; params\.yaml names nocturne"):
        load_params(ROOT).project("moon", ROOT)
