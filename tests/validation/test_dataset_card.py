"""The card shows what the dataset is, to people, and gives nothing of the source a chance to be more than text."""

import re
from html.parser import HTMLParser

import pytest
from dataset_rows import example, named, pair, rows, shipped_params, write

from pipelines.errors import NocturneError
from pipelines.validation.card import CHARS
from pipelines.validation.stage import run

HOSTILE = "<script>alert(1)</script> ``` ````\n# no heading"


def cards(folder, train=None, preferences=()):
    whole, holdout, quarantined = rows()
    project = write(folder, train or whole, holdout, quarantined, preferences)
    run(project, shipped_params())
    return [project.path("validation", f"card.{kind}").read_text() for kind in ("html", "md")]


def cells(page):
    """The rows of the page's tables, as texts."""
    plain = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    found = re.findall(r"<tr>(.*?)</tr>", plain, flags=re.DOTALL)
    return [[re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[dh]>(.*?)</t[dh]>", row)] for row in found]


def test_the_card_counts_splits_recipes_languages_and_licences(tmp_path):
    page, text = cards(tmp_path, preferences=(pair(1, "train/1.py"),))
    found = cells(page)
    assert ["training", "32", "4", f"{sum(40 + n for n in range(32)):,}"] in found
    assert ["holdout", "8", "2", str(sum(40 + n for n in range(32, 40)))] in found
    assert ["preferences", "1", "1", "41"] in found
    assert ["python", "", "32", "8"] in found
    assert ["MIT", "", "32", "8"] in found
    assert ["explain", "", "4", "0", "0", "100.0%", "0.50"] in found
    assert ["too_long", "", "1"] in found
    assert "| MIT | 32 | 8 | 100.0% |" in text
    assert "| explain | 4 | 0 | 0 | 100.0% | 0.50 |  |" in text
    assert "Made of 1 commit of" in text


def test_a_recipe_that_made_nothing_says_why(tmp_path):
    for card in cards(tmp_path):
        assert "it wants reverts; there are none" in card


def test_findings_are_counted_by_kind_and_never_located(tmp_path):
    page, text = cards(tmp_path)
    assert ["secret", "AWS key", "redact", "2", "1"] in cells(page)
    assert "| personal | e-mail address | redact | 1 | 1 |" in text


def test_every_recipe_shows_three_examples_in_both(tmp_path):
    page, text = cards(tmp_path)
    for recipe in ("explain", "implement", "commit_edits", "retrieval"):
        assert f"<summary>{recipe}</summary>" in page
        assert text.split(f"### {recipe}\n")[1].split("### ")[0].count("completion:") == 3
    assert page.count("return previous(") == text.count("return previous(") == 3 * 9  # nine recipes have rows


def test_a_preference_is_shown_with_both_versions(tmp_path):
    page, text = cards(tmp_path, preferences=(pair(1, "train/1.py"),))
    assert "return 1 - 1" in page
    assert text.index("rejected:") < text.index("return 1 - 1") < text.index("chosen:") < text.index("return 1 + 1")


def test_the_histogram_has_a_bar_for_each_tenth(tmp_path):
    train = [{**row, "quality": number / 31} for number, row in enumerate(rows()[0])]
    page, text = cards(tmp_path, train)
    drawn = page.split('class="histogram"')[1].split("</svg>")[0]
    assert drawn.count("<rect") == 10
    counts = [int(count) for count in re.findall(r"^\| 0\.\d \| (\d+) \|$", text, flags=re.MULTILINE)]
    assert sum(counts) == 40
    assert counts[9] == sum(row["quality"] >= 0.9 for row in train) > 0


def test_source_is_shown_as_text_whatever_it_says(tmp_path):
    train = rows()[0]
    train[0] = named({**train[0], "completion": HOSTILE, "language": "a|b\nc"})
    page, text = cards(tmp_path, train)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert f"`````text\n{HOSTILE}\n`````" in text
    assert "| a\\|b c | 1 | 0 |" in text


def test_long_texts_are_cut_in_the_middle(tmp_path):
    train = rows()[0]
    train[0] = named({**train[0], "completion": "begin " + "x" * 3 * CHARS + " end"})
    for card in cards(tmp_path, train):
        assert re.search(r"begin x+\n\[…\]\nx+ end", card)
        assert "x" * CHARS not in card


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of turn."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(tmp_path):
    page, _ = cards(tmp_path)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"https?:|\bsrc=|<link|<script|url\(", page)
    assert 'href="data_docs/index.html"' in page
    assert '<a href="../card.html">' in (tmp_path / "data/demo/validation/data_docs/index.html").read_text()


def test_a_night_that_fails_an_expectation_leaves_its_card(tmp_path):
    train = [*rows()[0], example(99, "train/1.py", tokens=5000)]
    with pytest.raises(NocturneError, match="more than 768 tokens"):
        cards(tmp_path, train)
    assert (tmp_path / "data/demo/validation/card.html").is_file()
