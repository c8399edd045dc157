"""What `doctor` says of the last night."""

from dataclasses import replace

import pytest

from pipelines.cli.doctor import check_last_night
from pipelines.errors import NocturneError
from pipelines.night import last_night
from pipelines.project import Project
from pipelines.records import write_json


@pytest.fixture
def project(tmp_path):
    return Project("moon", tmp_path / "source", tmp_path)


def begun(project):
    """A night that was killed: it says that it runs, and holds no lock."""
    night = last_night.LastNight(1.0, 1, "hand")
    write_json(project.night / "outcome" / "night.json", night.facts())
    return night


def test_a_crashed_last_night_is_no_good_state(project):
    begun(project)
    with pytest.raises(NocturneError, match="The last night of moon crashed") as caught:
        check_last_night(project)
    assert "nocturne nightly moon" in caught.value.next_step


def test_a_failed_last_night_is_told_with_its_reason(project):
    night = replace(begun(project), state=last_night.FAILED, stage="validation", fact="Too few.", next_step="Add code.")
    write_json(project.night / "outcome" / "night.json", night.facts())
    with pytest.raises(NocturneError, match=r"The last night of moon failed in validation: Too few\.") as caught:
        check_last_night(project)
    assert caught.value.next_step == "Add code."


@pytest.mark.parametrize("state", ["released", "rejected", "unchanged", last_night.INTERRUPTED])
def test_any_other_end_of_a_night_is_well(project, state):
    write_json(project.night / "outcome" / "night.json", replace(begun(project), state=state, ended=2.0).facts())
    assert check_last_night(project) == state
