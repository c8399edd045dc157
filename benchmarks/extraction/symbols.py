"""Which functions, methods, classes, structs, interfaces and enums of sources are missed, beside universal-ctags.

    python -m benchmarks.extraction.symbols [--name NAME] FOLDER [FOLDER ...]

universal-ctags (https://ctags.io) with JSON output has to be on the PATH. It finds functions, methods, classes,
structs, interfaces and enums as tags. A tag counts as found when a symbol of its name lies on its line, or begins on
the next one, because a macro may stand above. `--list` prints the tags that were missed.
"""

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.result import Cell, Chart, Figure, Result, Table, make_parser, round_to
from pipelines.syntax.dialects import settle_dialect
from pipelines.syntax.languages import Language, language_of
from pipelines.syntax.symbols import find_symbols

QUESTION = "Which symbols does extraction miss, beside universal-ctags?"
# Our name of a language: that of ctags, and the letters of the kinds that are symbols here.
TAGGED_AS = {
    "c": ("C", "fsug"),
    "cpp": ("C++", "fcsug"),
    "go": ("Go", "fsi"),
    "java": ("Java", "mcig"),
    "python": ("Python", "fcm"),
    "rust": ("Rust", "fsgiP"),
    "tsx": ("TypeScript", "fcmig"),
    "typescript": ("TypeScript", "fcmig"),
}
MAX_BYTES = 512 * 1024


@dataclass(frozen=True)
class Tag:
    """What ctags found: a name without its scope, its line, from 1, and its kind."""

    name: str
    line: int
    kind: str


def sources(folder: Path) -> Iterator[tuple[Path, bytes, Language]]:
    """The files below a folder in a language that is compared."""
    for path in sorted(folder.rglob("*")):
        language = language_of(path.name)
        if language is None or language.name not in TAGGED_AS or not path.is_file() or path.stat().st_size > MAX_BYTES:
            continue
        source = path.read_bytes()
        yield path, source, settle_dialect(source, language)


def tags(path: Path, language: Language) -> set[Tag]:
    """What ctags finds in a file with a body; names that it makes up are left out."""
    name, kinds = TAGGED_AS[language.name]
    command = ["ctags", "--output-format=json", "--fields=+neK", f"--language-force={name}", f"--kinds-{name}={kinds}"]
    told = subprocess.run([*command, "-f", "-", str(path)], check=True, capture_output=True, text=True).stdout
    found = (json.loads(line) for line in told.splitlines())
    return {
        Tag(tag["name"].rsplit("::", 1)[-1], tag["line"], tag["kind"])
        for tag in found
        if tag["_type"] == "tag" and not tag["name"].startswith(("__anon", "anonymous"))
    }


def missed(path: Path, source: bytes, language: Language) -> tuple[list[Tag], int]:
    """The tags of a file that no symbol stands for, and how many tags it has."""
    places = defaultdict(list)
    for symbol in find_symbols(source, language):
        # ctags names GoogleTest's tests by their macro.
        name = symbol.signature.split("(")[0] if symbol.kind == "test" else symbol.name
        places[_plain(name)].append((symbol.start_line - 1, symbol.end_line))
    wanted = sorted(tags(path, language), key=lambda tag: tag.line)
    left = [tag for tag in wanted if not any(first <= tag.line <= last for first, last in places[_plain(tag.name)])]
    return left, len(wanted)


def _plain(name: str) -> str:
    """ctags names conversions by their type, in several ways: all conversions are one name here."""
    bare = name.replace(" ", "")
    if bare.startswith("operator"):
        return "operator" if name.removeprefix("operator").strip()[:1].isalpha() else bare
    return bare.split("<")[0]


def main() -> None:
    """Write a row for each folder."""
    parser = make_parser(__doc__)
    parser.add_argument("--name", default="extraction-symbols", help="of the result, for another set of sources")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="print what was missed")
    args = parser.parse_args()
    if shutil.which("ctags") is None:
        raise SystemExit("ctags is not on the PATH. Install universal-ctags.")
    names = ", ".join(folder.resolve().name for folder in args.folders)
    result = Result.begin(args.name, "extraction.symbols", names)
    rows: list[dict[str, Cell]] = []
    for folder in args.folders:
        total, lost = 0, []
        for path, source, language in sources(folder):
            left, count = missed(path, source, language)
            total += count
            lost += [(path, tag) for tag in left]
        share = round_to(100 * len(lost) / max(1, total), 2)
        rows.append({"sources": folder.resolve().name, "tags": total, "missed": len(lost), "missed, %": share})
        asked = f"tags of ctags that are missed, {folder.resolve().name}"
        result.figures.append(Figure(asked=asked, ours=share, unit="%", peer="universal-ctags"))
        for path, tag in lost if args.list else ():
            print(f"  {path}:{tag.line} {tag.kind} {tag.name}")
    result.tables = [Table(rows=rows)]
    result.chart = Chart(title="Tags of ctags that are missed, %", labels="sources", values="missed, %")
    result.write(args.results)


if __name__ == "__main__":
    main()
