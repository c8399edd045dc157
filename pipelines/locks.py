"""Whether another process holds a file lock, seen by a reader: nothing is written, so no right to write is needed."""

import fcntl
import os
from pathlib import Path


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock of a file, as filelock takes it (`flock`); no when there is no such file.

    A shared lock is asked for and given back at once. Readers do not meet each other in it, and it is given on a file
    that is open for reading. A lock whose file this user may not read counts as free.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
