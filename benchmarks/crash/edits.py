"""A person who works on a small repository, for `benchmarks.crash.watch`.

`python -m benchmarks.crash.edits FOLDER SEED` begins it, in a process of its own that no kill takes.

FOLDER/source is edited by ACTS drawn acts: files are written in place, or aside and renamed as editors do it, renamed,
removed, made and gone again, put back; a folder moves, a state is committed, another branch of many files is checked
out. Each text is noted in FOLDER/states.jsonl before it stands in a file, under git's name for its bytes: what a search
says can be held against it.
"""

import argparse
import fcntl
import json
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.source.safe_open import blob_name

ACTS = 6
PAUSE_S = 0.5  # at most, between two of them
FILES, MORE = 12, 52  # of the first branch, and on top of them of the other
GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def text_of(name: str, state: int) -> str:
    """Functions that stand in no other file and no other state; long enough for several passages."""
    steps = [f"    value = step_{name}_{state}_{number}(value)" for number in range(24)]
    functions = [[f"def {name}_{part}_{state}(value):", *steps, "    return value", "", ""] for part in "abc"]
    return "\n".join(line for lines in functions for line in lines).rstrip("\n") + "\n"


class Editor:
    """The repository, and what is done to it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.source, self._states = folder / "source", folder / "states.jsonl"
        self._draw = random.Random(seed)
        self._seed = seed

    def begin(self) -> None:
        """Make the repository with its two branches."""
        self.source.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")
        for number in range(FILES):
            self._write(f"src/p{number % 4}/part{number}.py", 0)
        self.keep("first")
        self._git("checkout", "-q", "-b", "other")
        for number in range(MORE):
            self._write(f"many/more{number}.py", 0)
        for path in self.paths()[::2]:
            self._write(path, 1)
        self.keep("other")
        self._git("checkout", "-q", "main")

    def keep(self, message: str) -> None:
        """Commit everything that is there."""
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", message)

    def paths(self) -> list[str]:
        """The tracked files that are there."""
        told = self._git("ls-files", "-z").split("\0")
        return [path for path in told if path and (self.source / path).is_file()]

    def work(self) -> None:
        """Some time of editing."""
        acts = [self.write, self.save, self.rename, self.remove, self.vanish, self.put_back, self.move, self.switch]
        for number in range(ACTS):
            act = self._draw.choice(acts)
            act(self._seed * ACTS + number)
            time.sleep(self._draw.uniform(0, PAUSE_S))

    def write(self, state: int) -> None:
        """In place: for a moment the file is empty."""
        self._write(self._one(), state)

    def save(self, state: int) -> None:
        """Aside, then renamed over the file."""
        path = self._one()
        aside = (self.source / path).with_name(".aside.swp")
        aside.write_text(self._noted(path, text_of(Path(path).stem, state)))
        aside.replace(self.source / path)

    def rename(self, state: int) -> None:
        """Give a file another name, as `git mv` does."""
        path = self._one()
        other = str(Path(path).with_name(f"{Path(path).stem.split('_')[0]}_{state}_{time.time_ns()}.py"))
        self._noted(other, (self.source / path).read_text())
        self._git("mv", path, other)

    def remove(self, state: int) -> None:
        """Take a file away; git still lists it."""
        (self.source / self._one()).unlink()

    def vanish(self, state: int) -> None:
        """A new file that is tracked, and gone at once."""
        path = f"src/brief{state}.py"
        self._write(path, state)
        self._git("add", path)
        (self.source / path).unlink()

    def put_back(self, state: int) -> None:
        """Every file as it was committed."""
        self._git("checkout", "-q", "-f", "HEAD")

    def move(self, state: int) -> None:
        """A folder under another name, then everything committed."""
        folder = self.source / Path(self._one()).parent
        moved = folder.with_name(f"{folder.name.split('_')[0]}_{state}_{time.time_ns()}")
        for file in folder.glob("*.py"):
            self._noted(str(moved.relative_to(self.source) / file.name), file.read_text())
        folder.rename(moved)
        self.keep(f"moved {state}")

    def switch(self, state: int) -> None:
        """Check the other branch out."""
        here = self._git("branch", "--show-current").strip()
        self._git("checkout", "-q", "-f", "main" if here == "other" else "other")

    def _one(self) -> str:
        paths = self.paths()
        if len(paths) < FILES // 2:
            self._git("checkout", "-q", "-f", "HEAD")
            paths = self.paths()
        return self._draw.choice(paths)

    def _write(self, path: str, state: int) -> None:
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self._noted(path, text_of(file.stem, state)))

    def _noted(self, path: str, text: str) -> str:
        state = {"path": path, "blob": blob_name(text.encode(), "sha1"), "text": text}
        with open(self._states, "a") as file:
            file.write(json.dumps(state) + "\n")
        return text

    def _git(self, *arguments: str) -> str:
        return subprocess.run([*GIT, *arguments], cwd=self.source, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One person at a time; waits for who is there."""
    with open(folder / "editing.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed", type=int)
    args = parser.parse_args()
    with alone(args.folder):
        Editor(args.folder, args.seed).work()
