"""What the scanners find of planted secrets, what they find where there is none, and how fast they are.

    python -m benchmarks.data.secrets [REPOSITORY ...]

Recall is over 200 secrets of 20 kinds (`tests/planted.py`); a secret counts as found when no stretch of 12 of its
characters is left. On the repositories every finding is listed by its place, for a person to judge.
"""

import argparse
import os
import platform
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from pipelines.cleaning import detect_secrets, kingfisher
from pipelines.cleaning.clean import clean
from pipelines.cleaning.redact import redact
from pipelines.config.schema import Cleaning
from pipelines.source.skip_rules import find_unreadable
from tests.planted import KINDS, left, planted

SHIPPED = Cleaning(secrets="redact", personal="redact", ip_addresses=False, licenses=[])
MAX_BYTES = 512 * 1024


def recall() -> None:
    """Print found secrets per kind: by each scanner alone, and by cleaning as it ships."""
    found: dict[str, Counter[str]] = {"detect-secrets": Counter(), "kingfisher": Counter(), "both": Counter()}
    for secret, _carrier, path, text in planted():
        source = text.encode()
        for scanner in (detect_secrets, kingfisher):
            rest = redact(source, scanner.scan(source, path))
            found[scanner.NAME][secret.kind] += not left(secret, rest.decode())
        found["both"][secret.kind] += not left(secret, clean(source, path, SHIPPED).source.decode())
    print("| kind | " + " | ".join(found) + " |\n| --- | --- | --- | --- |")
    for kind in KINDS:
        print(f"| {kind} | " + " | ".join(str(counts[kind]) for counts in found.values()) + " |")
    print("| all | " + " | ".join(str(counts.total()) for counts in found.values()) + " |\n")


def repository(folder: Path) -> tuple[int, set[str], set[str]]:
    """Clean every text file of a repository; prints each finding's place and the speed.

    Returns:
        The number of files, those with a secret, those with personal data.
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
    return count, secret, personal


def main() -> None:
    """Print recall, then each repository's findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", type=Path, nargs="*")
    args = parser.parse_args()
    print(f"{datetime.now(UTC).date()}, {platform.machine()}, {os.cpu_count()} cores\n")
    recall()
    results = [repository(path.resolve()) for path in args.repositories]
    files = sum(count for count, _, _ in results)
    if files:
        secret, personal = sum(len(one) for _, one, _ in results), sum(len(one) for _, _, one in results)
        print(f"all: {files} files, {secret / files:.2%} with a secret, {personal / files:.2%} with personal data")


if __name__ == "__main__":
    main()
