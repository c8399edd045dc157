"""Is the adapter any better? Four arms on the same held-out examples, with intervals."""
