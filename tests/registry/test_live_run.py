"""What a training that failed leaves in MLflow."""

import pytest

from pipelines.project import Project
from pipelines.registry.tracking import LiveRun


def test_a_failed_training_keeps_its_candidate_with_the_run(tmp_path):
    project = Project("moon", tmp_path, tmp_path)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "learned.json").write_text("{}")
    run = LiveRun(project, "training", "identity", {"rank": 4})

    def failing():
        with run as live:
            live.keep(tmp_path / "made", "candidate")
            raise RuntimeError("it diverged")

    with pytest.raises(RuntimeError, match="diverged"):
        failing()
    assert [file.path for file in run.client.list_artifacts(run.id, "candidate")] == ["candidate/learned.json"]
    assert run.client.get_run(run.id).info.status == "FAILED"
