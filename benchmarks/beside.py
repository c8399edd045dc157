"""A program in another environment that answers commands, a line of JSON each: how a peer is asked by a benchmark."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WAIT_S = 120


class Beside:
    """A script below this folder, run by another environment's interpreter until `end`."""

    def __init__(
        self, python: str, script: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it; `environment` is all that it has, None for this process's own."""
        self._process = subprocess.Popen(
            [python, str(Path(__file__).parent / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def tell(self, value: Mapping[str, Any]) -> None:
        """Send a line that has no answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Send a line and wait for its answer."""
        self.tell(question)
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        """Let it go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(WAIT_S)
