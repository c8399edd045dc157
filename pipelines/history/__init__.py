"""What the commits of a repository changed, function by function, and what became of it."""
