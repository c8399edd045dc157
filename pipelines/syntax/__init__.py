"""What source code is made of: symbols, spans and chunks. Only this room knows tree-sitter and the other parsers."""
