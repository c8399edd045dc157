import pytest
import yaml
from conftest import ROOT

from pipelines.config.layers import SHIPPED, shipped_values
from pipelines.config.load import find_notices, load_params
from pipelines.config.schema import Params
from pipelines.errors import UsageError


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
        ("training", "epoch", 3, "unknown key `training.epoch` (did you mean `epochs`?)"),
        ("training", "rank", "16", "`training.rank` = '16': must be a whole number"),
        ("training", "rank", 0, "`training.rank` = 0: must be 1 or more"),
        ("training", "base_model", "", "`training.base_model` = '': must not be empty"),
        ("training", "use_dora", "yes", "`training.use_dora` = 'yes': must be true or false"),
        ("training", "processes", "two", "`training.processes` = 'two'"),
        ("training", "processes", 0, "`training.processes` = 0"),
        ("training", "processes", 3, "training.batch_size (16) must be a multiple of training.processes (3)"),
        ("dataset", "recipes", {"implement": "all"}, "`dataset.recipes.implement` = 'all'"),
        ("assistant", "answer", "guess", "`assistant.answer` = 'guess'"),
        ("search", "min_score", 1.5, "`search.min_score` = 1.5: must be 1 or less"),
        ("extraction", "overlap_chars", 1500, "at most half"),
        ("gates", 0, {"margin": float("nan")}, "`gates.0.margin` = nan"),
        ("gates", 0, {"metric": "bytes"}, "`gates.0.metric` = 'bytes': must be 'bits_per_byte', 'exact_match'"),
        ("gates", 0, {"arm": "adaptor"}, "`gates.0.arm` = 'adaptor'"),
        ("gates", 0, {"arm": "base+rag"}, "arm base+rag has no adapter to compare with base; set arm to adapter"),
        ("gates", 0, {"against": "challenger"}, "`gates.0.against` = 'challenger'"),
        ("gates", 0, {"against": True}, "must be a number, base or champion"),
        ("gates", 0, {"metric": "forgetting"}, "set arm to adapter, and against to a number or champion"),
        ("gates", 0, {"metric": "memorisation"}, "set arm to adapter, and against to a number"),
        ("gates", 1, {"margin": -0.1}, "`gates.1.margin` = -0.1"),
        ("gates", 1, {"severity": "fatal"}, "`gates.1.severity` = 'fatal'"),
        ("gates", 1, {"margins": 0.1}, "unknown key `gates.1.margins` (did you mean `margin`?)"),
        ("gates", 1, {"name": "better than the base"}, "two gates are called `better than the base`"),
        ("gates", 0, {"severity": "warn"}, "no gate requires an improvement over the base"),
        ("schedule", "cron", "at two", "must be a cron expression"),
        ("schedule", "cron", "0 2 * * 5L", "Prefect, which starts the nights, does not know `5L`"),
        ("schedule", "cron", "0 2 LW * *", "does not know `LW`"),
        ("schedule", "cron", "0 0 2 * * *", "use five fields"),
        ("schedule", "timezone", "Mars/Olympus", "must be a time zone"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_value(tmp_path, values, section, key, value, said):
    if section == "gates":
        values[section][key].update(value)
    else:
        values[section][key] = value
    with pytest.raises(UsageError) as error:
        load_params(written(tmp_path, values))
    assert said in error.value.fact
    assert "\n" not in error.value.fact
    assert error.value.exit_code == 2


def test_a_gate_may_hold_a_metric_against_a_number(tmp_path, values):
    values["gates"].append({**values["gates"][0], "name": "parses", "metric": "syntax_validity", "against": 1})
    assert load_params(written(tmp_path, values)).gates[-1].against == 1


def leaves(values, before=()):
    for key, value in values.items():
        if isinstance(value, dict) and (*before, key) != ("projects",):
            yield from leaves(value, (*before, key))
        yield (*before, key)


@pytest.mark.parametrize("place", list(leaves(shipped_values())), ids=".".join)
def test_a_missing_key_counts_as_shipped_and_is_said(tmp_path, values, place):
    *sections, key = place
    section = values
    for name in sections:
        section = section[name]
    del section[key]
    folder = written(tmp_path, values)
    assert load_params(folder) == Params.model_validate(shipped_values())
    (said,) = find_notices(folder)
    assert f"lacks `{'.'.join(place)}`; the shipped value" in said
    assert "Run `nocturne migrate` to write it" in said


def test_nothing_is_said_of_a_complete_file(tmp_path, values):
    assert find_notices(written(tmp_path, values)) == []


def test_the_shipped_params_are_the_file_that_missing_keys_are_taken_from():
    said = "set the value in pipelines/config/shipped.yaml, then run `make generate`"
    assert SHIPPED.read_bytes() == (ROOT / "params.yaml").read_bytes(), said


def test_a_project_cannot_take_a_folder_that_nocturne_uses(tmp_path, values):
    values["projects"] = {"models": {"source": "."}}
    with pytest.raises(UsageError, match="`models` is a folder"):
        load_params(written(tmp_path, values))


def test_a_project_name_is_refused_with_the_rule(tmp_path, values):
    values["projects"] = {"My Shop": {"source": "."}}
    with pytest.raises(UsageError, match="project name `My Shop`: use 1 to 63 lower-case letters"):
        load_params(written(tmp_path, values))


def test_broken_yaml_is_one_line(tmp_path):
    (tmp_path / "params.yaml").write_text("a: [1\nb: }")
    with pytest.raises(UsageError) as error:
        load_params(tmp_path)
    assert "\n" not in error.value.fact


def test_an_unknown_project_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match=r"`moon`; the projects are nocturne"):
        load_params(ROOT).project("moon", ROOT)
