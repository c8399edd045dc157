"""Markdown and reStructuredText: files as sections, which are read and searched but are no code."""
