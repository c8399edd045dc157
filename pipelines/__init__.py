"""Nocturne: learns a codebase every night and answers questions about it by day."""
