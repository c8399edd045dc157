"""Asking the process that watches the source, if one does: its index has the lines that were written a moment ago."""

from http.client import HTTPConnection, HTTPException

import orjson

from pipelines.index import Hit
from pipelines.project import Project

LOOPBACK, SEARCH = "127.0.0.1", "/search"
STATE = "state.json"
WAIT_S = 10.0


def ask_watch(project: Project, version: str, text: str, limit: int) -> list[Hit] | None:
    """The best passages by what is watched; None when nobody watches, or something else than this index version.

    Whatever goes wrong there is no error here: the release's own index answers as well, only with last night's lines.
    """
    try:
        state = orjson.loads((project.watch / STATE).read_bytes())
        if state["version"] != version:
            return None
        connection = HTTPConnection(LOOPBACK, state["port"], timeout=WAIT_S)
        body = orjson.dumps({"version": version, "text": text, "limit": limit})
        connection.request("POST", SEARCH, body, {"Authorization": f"Bearer {state['token']}"})
        answer = connection.getresponse()
        found = orjson.loads(answer.read()) if answer.status == 200 else None
        return None if found is None else [Hit(**hit) for hit in found]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None
