"""How parts of the product were made: run by a developer, never by a night."""
