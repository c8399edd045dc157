"""Where versions of an index lie and how Qdrant holds them: embedded in a folder, or on a server."""
