"""The encoder of chunks and questions, its variants and engines, and the cache of its vectors."""
