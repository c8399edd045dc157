"""Reading a git repository safely: what is tracked, as it stands in the working tree, and nothing outside it."""
