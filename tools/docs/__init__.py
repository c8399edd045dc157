"""Writes the pages and comments that are generated: from the settings' schema, the command line and the records' types.

`make generate` writes them; a test fails while one of them is stale.
"""
