"""The words of a gate's rule and of what it found."""

import pytest

from pipelines.config.schema import Gate
from pipelines.evaluation.bootstrap import Figure
from pipelines.gates.comparison import Comparison
from pipelines.gates.rules import format_value


@pytest.mark.parametrize(
    ("arm", "metric", "noun"), [("adapter", "bits_per_byte", "example"), ("index", "mrr", "question")]
)
def test_one_of_one_file_is_told_as_one(arm, metric, noun):
    gate = Gate(
        name="better", metric=metric, arm=arm, against="champion", margin=0.03, confidence=0.95, severity="block"
    )
    found = Comparison(Figure(0.1, 0.1, 0.1), examples=1, files=1)
    assert format_value(gate, found).endswith(f", 1 {noun} of 1 file")
