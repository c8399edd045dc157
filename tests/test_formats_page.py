"""The page of the formats says what the code says."""

from pipelines.dag.stage import NAMES
from pipelines.records.formats import FORMATS, fields_of, nested_in
from tools.docs import formats


def test_the_page_is_that_of_the_types():
    assert formats.PAGE.read_text() == formats.render(), "run `python -m tools.docs.formats`"


def test_every_field_of_every_record_has_a_meaning():
    for each in FORMATS:
        for kind in (each.kind, *nested_in(each.kind)):
            assert kind.__doc__
            assert all(field.meaning for field in fields_of(kind)), kind


def test_every_stage_has_its_files_on_the_page():
    assert {each.stage for each in FORMATS} == set(NAMES)
