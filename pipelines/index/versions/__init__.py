"""Versions of the index: how one is built, published, checked, repaired, saved and deleted."""
