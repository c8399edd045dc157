"""The day side: search, answers with citations, completions. Each reads one release and changes nothing."""
