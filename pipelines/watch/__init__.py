"""Keeping the search in step with the files while they are edited, between two nights."""
