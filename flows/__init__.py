"""Prefect lives here, and only here: the nightly flow and its deployments."""
