"""What one night made: its candidate, its outcome, its report; and the lock that lets one run at a time."""
