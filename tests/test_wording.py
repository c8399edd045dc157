"""Numbers of things, as sentences write them."""

import pytest

from pipelines.wording import format_count


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1234567, "1,234,567 files")]
)
def test_one_thing_has_the_noun_of_one(number, said):
    assert format_count(number, "file") == said


def test_a_noun_may_have_its_own_plural():
    assert [format_count(number, "index", "indexes") for number in (1, 2)] == ["1 index", "2 indexes"]
