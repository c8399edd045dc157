"""What a person sees of `nocturne watch`."""

import io

from pipelines.cli import watch
from pipelines.progress import Step


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_change_of_many_files_says_how_far_it_is_and_one_of_few_nothing(monkeypatch):
    monkeypatch.setattr(watch, "EVERY_S", 0)
    shown = watch.Progress(output := io.StringIO())
    for done in (0, 64, 10_000):
        shown(Step(done, 10_000, "files"))
    for done in (0, 1):
        shown(Step(done, 1, "files"))
    told = output.getvalue().splitlines()
    assert told == [f"{done} of 10,000 files taken" for done in ("0", "64", "10,000")]


def test_on_a_terminal_it_is_one_line_that_goes_away(monkeypatch):
    monkeypatch.setattr(watch, "EVERY_S", 0)
    shown = watch.Progress(output := Terminal())
    for done in (0, 64, 100):
        shown(Step(done, 100, "files"))
    assert output.getvalue() == "\r0 of 100 files taken\r64 of 100 files taken\r\033[K"


def test_steps_that_follow_closely_are_told_once_and_the_end_always():
    shown = watch.Progress(output := io.StringIO())
    for done in range(0, 101):
        shown(Step(done, 100, "files"))
    told = output.getvalue().splitlines()
    assert told[-1] == "100 of 100 files taken"
    assert len(told) < 100
