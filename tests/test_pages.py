"""What the site's own strict build cannot see: the README, and the paths of code that the documentation names."""

import re

import pytest
from conftest import ROOT

README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
CODE_PATH = re.compile(r"`((?:benchmarks|flows|pipelines|tests|tools)/[\w./-]*)`")


def test_the_readme_fits_on_a_screen():
    assert len(README.read_text().split()) < 600


def test_every_file_that_the_readme_links_to_exists():
    links = [link for link in LINK.findall(README.read_text()) if "://" not in link]
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_of_code_that_a_page_names_exists(page):
    assert [path for path in CODE_PATH.findall(page.read_text()) if not (ROOT / path).exists()] == []
