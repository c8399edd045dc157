"""What the scanners find of planted secrets, what they find where there is none, and how fast they are.

    python -m benchmarks.data.secrets [REPOSITORY ...]

200 secrets of 20 kinds (`tests/planted.py`) are planted in ten carriers: strings, comments, a notebook, `.env`, six
languages. A secret counts as found when no stretch of 12 of its characters is left. detect-secrets runs with the rules
of `pipelines/cleaning/rules.py`. Each finding in a REPOSITORY is listed by its place, for a person to judge.
"""

import subprocess
import time
from collections import Counter
from pathlib import Path

from scipy.stats import binomtest

from benchmarks.result import Cell, Chart, Figure, Interval, Result, Table, make_parser, round_to
from pipelines.cleaning import detect_secrets, kingfisher
from pipelines.cleaning.clean import clean
from pipelines.cleaning.redact import redact
from pipelines.config.schema import Cleaning
from pipelines.source.skip_rules import find_unreadable
from tests.planted import KINDS, left, planted

QUESTION = "Which planted secrets does cleaning find, and how fast is it?"
SHIPPED = Cleaning(secrets="redact", personal="redact", ip_addresses=False, licenses=[])
MAX_BYTES = 512 * 1024


def recall() -> Result:
    """Found secrets per kind: by each scanner alone, and by cleaning as it ships."""
    result = Result.begin("data-secrets", "data.secrets", "200 planted secrets of 20 kinds")
    found: dict[str, Counter[str]] = {"detect-secrets": Counter(), "kingfisher": Counter(), "both": Counter()}
    asked: Counter[str] = Counter()
    for secret, _carrier, path, text in planted():
        source = text.encode()
        asked[secret.kind] += 1
        for scanner in (detect_secrets, kingfisher):
            rest = redact(source, scanner.scan(source, path))
            found[scanner.NAME][secret.kind] += not left(secret, rest.decode())
        found["both"][secret.kind] += not left(secret, clean(source, path, SHIPPED).source.decode())
    rows = [_row(kind, asked[kind], [counts[kind] for counts in found.values()], list(found)) for kind in KINDS]
    totals = [counts.total() for counts in found.values()]
    rows.append(_row("all", asked.total(), totals, list(found)))
    result.figures = [
        Figure(
            asked="planted secrets found, both scanners together",
            ours=_share(found["both"].total(), asked.total()),
            unit="%",
            peer=f"{name} alone",
            theirs=round_to(100 * found[name].total() / asked.total(), 3),
            ratio=Interval(value=round_to(found["both"].total() / max(1, found[name].total()), 3)),
        )
        for name in ("detect-secrets", "kingfisher")
    ]
    result.tables = [Table(rows=rows)]
    together: list[dict[str, Cell]] = [
        {"scanner": "ours: both" if name == "both" else name, "found": counts.total()} for name, counts in found.items()
    ]
    result.tables.append(Table(title="All kinds together", rows=together))
    result.chart = Chart(title="Planted secrets found, of 200", labels="scanner", values="found", table=1)
    return result


def _row(kind: str, planted_: int, counts: list[int], names: list[str]) -> dict[str, Cell]:
    return {"kind": kind, "planted": planted_, **dict(zip(names, counts, strict=True))}


def _share(found: int, of: int) -> Interval:
    """Percent, with the exact binomial interval at 95%."""
    bounds = binomtest(found, of).proportion_ci(0.95)
    return Interval(
        value=round_to(100 * found / of, 3), low=round_to(100 * bounds.low, 3), high=round_to(100 * bounds.high, 3)
    )


def repository(folder: Path) -> tuple[int, set[str], set[str], float]:
    """Clean every text file of a repository; prints each finding's place and the speed.

    Returns:
        The number of files, those with a secret, those with personal data, and MB (10**6 bytes) a second of one core.
    """
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True, text=True).stdout
    hits: dict[str, set[str]] = {"secret": set(), "personal": set()}
    count = size = 0
    seconds = 0.0
    for name in filter(None, listed.split("\0")):
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        if len(content) > MAX_BYTES or find_unreadable(content):
            continue
        began = time.process_time()
        cleaned = clean(content, name, SHIPPED)
        seconds += time.process_time() - began
        count, size = count + 1, size + len(content)
        for item in cleaned.findings:
            hits[item.category].add(name)
            print(f"{folder.name}/{name}:{item.start_line}  {item.kind} ({item.scanner})")
    secret, personal = hits["secret"], hits["personal"]
    print(f"{folder.name}: {count} files, {len(secret)} with a secret, {len(personal)} with personal data,")
    print(f"  {size / 1e6:.2f} MB, {size / 1e6 / seconds:.1f} MB a second of one core\n")
    return count, secret, personal, size / 1e6 / seconds


def main() -> None:
    """Write what is found of planted secrets, then what is found in each repository."""
    parser = make_parser(__doc__)
    parser.add_argument("repositories", type=Path, nargs="*")
    args = parser.parse_args()
    recall().write(args.results)
    if not args.repositories:
        return
    names = [path.resolve().name for path in args.repositories]
    result = Result.begin("data-secrets-repositories", "data.secrets", ", ".join(names))
    found = [repository(path.resolve()) for path in args.repositories]
    files = sum(one[0] for one in found)
    secret_files, personal_files = sum(len(one[1]) for one in found), sum(len(one[2]) for one in found)
    result.figures = [
        Figure(asked=f"files with a finding of a secret, of {files:,}", ours=_share(secret_files, files), unit="%"),
        Figure(asked=f"files with personal data, of {files:,}", ours=_share(personal_files, files), unit="%"),
    ]
    slowest = round_to(min(one[3] for one in found), 2)
    result.figures.append(Figure(asked="cleaning on one core, slowest repository", ours=slowest, unit="MB/s"))
    rows: list[dict[str, Cell]] = [
        {
            "repository": name,
            "files": count,
            "with a secret": len(secret),
            "with personal data": len(personal),
            "MB/s": round_to(speed, 2),
        }
        for name, (count, secret, personal, speed) in zip(names, found, strict=True)
    ]
    result.tables = [Table(rows=rows)]
    result.write(args.results)


if __name__ == "__main__":
    main()
