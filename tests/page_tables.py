"""The tables of a page as a reader finds a figure in them: by the name of its row and of its column."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._in_cell = True
        elif self._in_cell:
            self.tables[-1][-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.tables[-1][-1][-1] += data


Tables = dict[str, dict[str, dict[str, str]]]


def of_html(page: str, key: str | None = None) -> Tables:
    """Column names, joined by "|" → row name → column name → text. A column's name that comes again is numbered.

    Args:
        key: the column whose cells name the rows, of tables that have it; else the first one.
    """
    reader = _Reader()
    reader.feed(page)
    return dict(_table(rows, key) for rows in reader.tables)


def of_markdown(text: str) -> Tables:
    """The same of Markdown."""
    tables: list[list[list[str]]] = []
    for line in text.split("\n"):
        if not line.startswith("|"):
            tables.append([])
        elif not line.startswith("| ---"):
            tables[-1].append(line.strip("|").split("|"))
    return dict(_table(rows, None) for rows in tables if rows)


def the(tables: Tables, *columns: str) -> dict[str, dict[str, str]]:
    """The one table that has these columns."""
    [found] = [table for names, table in tables.items() if set(columns) <= set(names.split("|"))]
    return found


def _table(rows: list[list[str]], key: str | None) -> tuple[str, dict[str, dict[str, str]]]:
    head, *body = [[" ".join(cell.split()) for cell in row] for row in rows]
    counted = [head[: place + 1].count(name) for place, name in enumerate(head)]
    names = [name if head.count(name) == 1 else f"{name} {n}" for name, n in zip(head, counted, strict=True)]
    by = names.index(key) if key in names else 0
    found = {}
    for row in body:
        assert len(row) == len(head), f"{row} has not the columns {head}"
        found[row[by]] = {name: cell for place, (name, cell) in enumerate(zip(names, row, strict=True)) if place != by}
    return "|".join(names), found
