"""How the schedule of a project stands, in words."""

from pipelines.project import Project


def describe_schedule(project: Project) -> tuple[bool, str]:
    """Whether the schedule works, and when the next night begins or what is wrong."""
    import time

    from flows import running, schedule

    if not running.is_up(project.workspace):
        return True, schedule.STOPPED
    return schedule.describe(schedule.read(project.workspace), project.name, time.time())
