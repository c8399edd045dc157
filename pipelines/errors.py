"""Errors a user can act on: the fact, then the next step. Shells print both on two lines, without a traceback."""


class NocturneError(Exception):
    """Something failed that the user can mend.

    Args:
        fact: what is wrong, with the value and the rule it broke.
        next_step: what to do about it.
    """

    exit_code = 1

    def __init__(self, fact: str, next_step: str) -> None:
        super().__init__(fact)
        self.fact = fact
        self.next_step = next_step

    def __reduce__(self) -> tuple:
        return (type(self), (self.fact, self.next_step))


class TornIndex(NocturneError):
    """An index version is missing or damaged; another one may serve meanwhile."""


class UsageError(NocturneError):
    """The command or its configuration is wrong; nothing was started."""

    exit_code = 2


class GatesFailed(NocturneError):
    """The candidate was measured and found wanting; what was live stays live."""

    exit_code = 3
