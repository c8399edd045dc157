"""`python -m pipelines STAGE PROJECT`: what DVC runs. Results are files; facts go to the stage's journal.

`python -m pipelines settings` writes the file of values that dvc.yaml reads, and nothing else.
"""

import os
import signal
import sys
import threading
import time
import traceback

from pipelines import environment
from pipelines.config.load import FOR_DVC, write_for_dvc
from pipelines.config.schema import Params
from pipelines.config.workspaces import find_workspace
from pipelines.dag import journal
from pipelines.dag.stage import Stage, load
from pipelines.errors import NocturneError
from pipelines.progress import Step
from pipelines.project import Project


def main(arguments: list[str]) -> int:
    """Run one stage, or write the settings alone; returns the exit code."""
    if len(arguments) != 2 and arguments != ["settings"]:
        print("Usage: python -m pipelines STAGE PROJECT, or python -m pipelines settings", file=sys.stderr)
        return 2
    try:
        place = find_workspace()
        environment.prepare(place)
        params = write_for_dvc(place)
        if arguments == ["settings"]:
            print(f"{place / FOR_DVC} is what dvc.yaml reads")
            return 0
        stage = load(arguments[0])
        return _run(stage, params.project(arguments[1], place), params)
    except NocturneError as error:
        print(f"{error.fact}\n{error.next_step}", file=sys.stderr)
        return error.exit_code


def _run(stage: Stage, project: Project, params: Params) -> int:
    night = os.environ.get(journal.NIGHT_PID)
    if night:
        threading.Thread(target=_end_with, args=(int(night),), daemon=True).start()
    with journal.redirect_output(project.night / journal.LOG) as terminal:
        show = None if night else _line(terminal, stage.name)
        try:
            with journal.record(project, stage.name, show) as entry:
                entry.facts = stage.run(project, params)
        except NocturneError as error:
            message, code = f"{error.fact}\n{error.next_step}", error.exit_code
        except Exception:
            traceback.print_exc()
            last = journal.read(project, stage.name)
            message = "\n".join((last.error or {}).values()) if last else f"{stage.name} failed."
            code = 1
        else:
            shown = ", ".join(f"{key} {value}" for key, value in entry.facts.items())
            message, code = f"{stage.name}: {shown} ({entry.seconds:.1f} s)", 0
        if not night:
            os.write(terminal, f"\r\x1b[K{message}\n".encode() if os.isatty(terminal) else f"{message}\n".encode())
    return code


def _line(terminal: int, stage: str):  # type: ignore[no-untyped-def]
    """A progress line for a person who runs `dvc repro`; nothing when nobody looks."""
    if not os.isatty(terminal):
        return None

    def show(step: Step) -> None:
        os.write(terminal, f"\r\x1b[K{stage}: {step.done}/{step.total} {step.unit} {step.note}".encode())

    return show


def _end_with(night: int) -> None:
    """End this stage when its night was killed: a later night must not meet it at work."""
    import psutil

    while True:
        try:
            gone = psutil.Process(night).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            gone = True
        if gone:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
