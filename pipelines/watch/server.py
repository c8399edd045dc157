"""Answering searches in the watched index to other processes of the same user, on the loopback interface only."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from pipelines.assistant.watch_client import LOOPBACK, SEARCH
from pipelines.errors import NocturneError
from pipelines.index import Hit

MOST_BYTES = 1 << 20  # of a question

Search = Callable[[str, str, int], list[Hit] | None]


@dataclass(frozen=True)
class Address:
    """Where to ask, and the word to show: only who can read the project's folder has it."""

    port: int
    token: str


@contextmanager
def serve(search: Search) -> Iterator[Address]:
    """Answer `POST /search` with `{"version", "text", "limit"}` until the block ends.

    Args:
        search: called with version, text and limit, from several threads; None when it has another version.
    """
    token = secrets.token_hex(16)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, answer = self._answered()
            body = orjson.dumps(answer)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answered(self) -> tuple[HTTPStatus, Any]:
            size = int(self.headers.get("Content-Length") or 0)
            if not compare_digest(self.headers.get("Authorization", ""), f"Bearer {token}"):
                return HTTPStatus.UNAUTHORIZED, {"error": "The token is not the one in data/<project>/.watch."}
            if self.path != SEARCH or size > MOST_BYTES:
                return HTTPStatus.BAD_REQUEST, {"error": f"Post at most {MOST_BYTES} bytes to {SEARCH}."}
            try:
                asked = orjson.loads(self.rfile.read(size))
                hits = search(str(asked["version"]), str(asked["text"]), int(asked["limit"]))
            except (ValueError, KeyError, TypeError) as error:
                return HTTPStatus.BAD_REQUEST, {"error": f"{type(error).__name__}: {error}"}
            except NocturneError as error:
                return HTTPStatus.UNPROCESSABLE_ENTITY, {"error": error.fact, "next_step": error.next_step}
            if hits is None:
                return HTTPStatus.CONFLICT, {"error": "Another version is watched."}
            return HTTPStatus.OK, [asdict(hit) for hit in hits]

        def log_message(self, format: str, *arguments: Any) -> None:
            """Questions are nobody's business."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="answers", daemon=True)
    thread.start()
    try:
        yield Address(server.server_address[1], token)
    finally:
        server.shutdown()
        server.server_close()
