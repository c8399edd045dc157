"""What the system says of changes, as a watch hears it."""

import threading
from itertools import islice

from conftest import make_repository

from pipelines.watch.file_events import watch_changes


def test_what_nobody_asked_about_does_not_keep_the_beat_away(tmp_path):
    """A log that is written all the time, say: what waits for the next beat would wait for its end."""
    source = make_repository(tmp_path / "source", {"a.py": "a = 1\n"})
    stop, late = threading.Event(), threading.Event()

    def write():
        while not stop.wait(0.02):
            with (source / "build.log").open("a") as log:
                log.write("line\n")

    writing, giving_up = threading.Thread(target=write), threading.Timer(30, late.set)
    writing.start()
    giving_up.start()
    try:
        heard = watch_changes(source, source / ".git/index", lambda path: path.name == "a.py", late)
        assert [change.paths for change in islice(heard, 4)] == [frozenset()] * 4
        (source / "a.py").write_text("a = 2\n")
        assert any(change.paths == {source / "a.py"} for change in heard)
    finally:
        stop.set()
        giving_up.cancel()
        writing.join()
