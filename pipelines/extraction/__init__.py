"""From tracked files to symbols, chunks and spans; what was not read is listed with its reason."""
