"""Great Expectations' pages, made to open without a network and to be the same bytes for the same dataset.

As shipped they load scripts, styles and a logo from six hosts when a person opens them, and carry the time and random
element ids. This view, named in the site's configuration, keeps their content and drops the rest.
"""

import re
from pathlib import Path
from typing import Any

from great_expectations.render.view.view import DefaultJinjaPageView

STYLE = Path(__file__).with_name("page.css").read_text()
MOMENT = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
REMOTE = re.compile(
    r"<script\b.*?</script>|<style\b.*?</style>|<footer\b.*?</footer>|<link\b[^>]*>|<img\b[^>]*>|<title>.*?</title>",
    re.DOTALL | re.IGNORECASE,
)
PINNED = "19700101T000000.000000Z"


class OfflinePage(DefaultJinjaPageView):
    """One page of the Data Docs."""

    def __init__(self, **directories: Any) -> None:
        super().__init__(**directories)
        self._elements = 0
        self.env.filters["generate_html_element_uuid"] = self._element

    def render(self, document: Any, template: str | None = None, **values: Any) -> str:
        """The page's HTML: no scripts, no remote parts, no moment of making."""
        self._elements = 0
        page = REMOTE.sub("", super().render(document, template, **values))
        page = page.replace("</head>", f"<title>Data Docs</title>\n<style>\n{STYLE}</style>\n</head>", 1)
        lines = (line.rstrip() for line in MOMENT.sub(PINNED, page).splitlines())
        return "\n".join(line for line in lines if line) + "\n"

    def _element(self, prefix: str | None = None) -> str:
        self._elements += 1
        return f"{prefix or ''}{self._elements}"
