"""Writes the pages and comments that are generated: from the schema of the settings, and from the command line.

`make generate` writes them; a test fails while one of them is stale.
"""
