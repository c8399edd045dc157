"""Chunks to vectors; only chunks with new content are computed."""
