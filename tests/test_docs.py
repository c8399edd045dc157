"""What is generated is what would be generated now, and says something of every setting and every command."""

import pytest
import yaml
from conftest import ROOT

from pipelines.config.layers import shipped_values
from tools.docs import settings
from tools.docs.generate import GENERATED, find_stale

PAGES = {name: (ROOT / name).read_text() for name in GENERATED}


def test_no_generated_file_is_stale():
    assert find_stale() == [], "run `make generate`"


def test_the_comments_of_params_yaml_change_no_value():
    assert yaml.safe_load(settings.write_params()) == shipped_values()


def test_every_setting_has_a_comment_in_params_yaml():
    lines = [line for line in PAGES["params.yaml"].splitlines() if line and not line.lstrip().startswith(("#", "-"))]
    assert [line for line in lines if " # " not in line] == ["  nocturne:", "    source: ."]


def test_a_key_that_the_schema_lacks_is_named(monkeypatch):
    monkeypatch.setattr(settings, "shipped_values", lambda: {**shipped_values(), "gate": []})
    with pytest.raises(ValueError, match="differ in gate; add"):
        settings.write_params()
