"""How far a dataset is from the one that is live: a warning, a failure, or nothing to compare with."""

import pytest
from dataset_rows import rows, shipped_params, write

from pipelines.errors import NocturneError
from pipelines.records import file_sha256, read_json
from pipelines.validation.distribution import distribution, jensen_shannon, measure_distances
from pipelines.validation.stage import run
from pipelines.validation.suite import DRIFTED


def test_the_distance_is_that_of_jensen_and_shannon():
    assert jensen_shannon({"a": 3, "b": 1}, {"a": 30, "b": 10}) == 0
    assert jensen_shannon({"a": 5}, {"b": 7}) == 1
    assert jensen_shannon({"a": 1}, {"a": 1, "b": 1}) == pytest.approx(0.31128**0.5, abs=1e-4)  # Lin, by hand
    assert jensen_shannon({"a": 1, "b": 2}, {"b": 1}) == jensen_shannon({"b": 1}, {"a": 1, "b": 2})


def test_the_same_dataset_has_not_drifted():
    assert measure_distances(distribution(rows()), rows()) == dict.fromkeys(DRIFTED, 0.0)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("language", {"language": "go"}),
        ("recipe", {"task": "explain"}),
        ("length", {"completion": "return 0"}),
        ("quality", {"quality": 0.1}),
    ],
)
def test_each_distribution_moves_by_itself(name, change):
    train, holdout, quarantined = rows()
    found = measure_distances(distribution(rows()), ([{**row, **change} for row in train], holdout, quarantined))
    assert found[name] > 0.3
    assert [other for other, distance in found.items() if distance] == [name]


def test_a_rule_that_leaves_out_more_is_drift():
    train, holdout, quarantined = rows()
    assert measure_distances(distribution(rows()), (train, holdout, quarantined * 40))["left_out"] > 0.3


def test_what_an_older_dataset_does_not_know_is_not_compared():
    train, holdout, quarantined = rows()
    old = [[{key: row[key] for key in row if key != "quality"} for row in part] for part in (train, holdout)]
    found = measure_distances(distribution((old[0], old[1], quarantined)), rows())
    assert set(found) == set(DRIFTED) - {"quality"}


def drifted(folder, earlier, **changes):
    train, holdout, quarantined = rows()
    train, holdout = ([{**row, **changes} for row in part] for part in (train, holdout))
    return write(folder, train, holdout, quarantined, earlier={"release": 3, **earlier})


def test_the_first_night_says_that_there_is_no_earlier_dataset(tmp_path):
    project = write(tmp_path, *rows())
    assert run(project, shipped_params())["drift"] == "no earlier dataset"
    assert read_json(project.path("validation", "drift.json")) == {"release": None, "distances": {}, "expectations": []}
    assert "there is no earlier dataset" in project.path("validation", "data_docs", "index.html").read_text()


def test_drift_is_a_warning_with_its_distance_and_training_sees_nothing_of_it(tmp_path):
    alone = write(tmp_path / "alone", *rows())
    run(alone, shipped_params())
    half = [{**row, "quality": 0.1 if number % 2 else 0.5} for number, row in enumerate(rows()[0])]
    project = write(tmp_path / "after", *rows(), earlier={"release": 3, **distribution((half, *rows()[1:]))})
    facts = run(project, shipped_params())
    drift = read_json(project.path("validation", "drift.json"))
    assert facts["warnings"] == 1
    assert facts["drift"] == drift["distances"]["quality"] > 0.2
    (unmet,) = (one for one in drift["expectations"] if not one["met"])
    assert unmet["expectation"] == "Distance of the quality from the live dataset's: at most 0.2"
    assert unmet["severity"] == "warn"
    assert unmet["observed"] == str(facts["drift"])
    assert unmet["expectation"].replace("'", "&#39;") in project.path("validation/data_docs/index.html").read_text()
    verdicts = [one.path("validation", "validation.json") for one in (alone, project)]
    assert file_sha256(verdicts[0]) == file_sha256(verdicts[1])


def test_a_dataset_of_another_kind_fails_the_night_and_leaves_its_docs(tmp_path):
    project = drifted(tmp_path, distribution(rows()), language="go")
    with pytest.raises(NocturneError, match=r"No such distance is over 0\.8 .*\(found 1\)"):
        run(project, shipped_params())
    assert project.path("validation", "data_docs", "index.html").is_file()


def test_the_warning_must_come_before_the_failure():
    with pytest.raises(ValueError, match=r"max_drift \(0\.9\) must be at most validation\.max_drift_fail"):
        type(shipped_params().validation).model_validate(
            {**shipped_params().validation.model_dump(), "max_drift": 0.9, "max_drift_fail": 0.5}
        )
