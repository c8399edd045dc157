"""The peers of `benchmarks.extraction.throughput`, run by their own Python: a folder to chunks or symbols, JSON Lines.

PYTHON benchmarks/extraction/peers.py PEER FOLDER PROCESSES
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

CHARS = 1600
LANGUAGES = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), "python"),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
    ".java": "java",
    ".go": "go",
    ".rs": "rust",
}

Chunk = Callable[[str], list[str]]


@cache
def cocoindex(language: str) -> Chunk:
    """Its Rust splitter, with tree-sitter grammars built in."""
    from cocoindex.ops.text import RecursiveSplitter

    splitter = RecursiveSplitter()
    return lambda text: [chunk.text for chunk in splitter.split(text, CHARS, language=language)]


@cache
def llama_index(language: str) -> Chunk:
    """The splitter over syntax trees of llama-index."""
    from llama_index.core.node_parser import CodeSplitter

    splitter = CodeSplitter(language=language, max_chars=CHARS)
    return lambda text: list(splitter.split_text(text))


@cache
def kit(language: str) -> Chunk:
    """Its symbols, by tree-sitter queries: the functions, classes and methods of a file with their code."""
    from kit.tree_sitter_symbol_extractor import TreeSitterSymbolExtractor

    ending = next(end for end, name in LANGUAGES.items() if name == language)
    return lambda text: [json.dumps(symbol) for symbol in TreeSitterSymbolExtractor.extract_symbols(ending, text)]


@cache
def tree_sitter(language: str) -> Chunk:
    """Parsing alone: what no tool that stands on tree-sitter can be below."""
    from tree_sitter import Language, Parser

    parser = Parser(Language(_grammar(language)))
    return lambda text: [str(parser.parse(text.encode()).root_node.end_byte)]


@cache
def semantic_text_splitter(language: str) -> Chunk:
    """Its Rust splitter, with the same grammar wheels that extraction uses."""
    from semantic_text_splitter import CodeSplitter

    splitter = CodeSplitter(_grammar(language), CHARS)
    return lambda text: list(splitter.chunks(text))


def _grammar(language: str) -> object:
    from importlib import import_module

    module = "typescript" if language == "tsx" else language
    function = f"language_{language}" if module == "typescript" else "language"
    return getattr(import_module(f"tree_sitter_{module}"), function)()


# What each is installed as. The language pack downloads its grammars since 1.0; before, they were in the wheel.
_PACK = "tree-sitter-language-pack<1"
_WHEELS = tuple(f"tree-sitter-{name}" for name in ("go", "java", "javascript", "python", "rust", "typescript"))
PEERS: dict[str, tuple[tuple[str, ...], Callable[[str], Chunk]]] = {
    "cocoindex": (("cocoindex",), cocoindex),
    "llama-index": (("llama-index-core", _PACK), llama_index),
    "semantic-text-splitter": (("semantic-text-splitter", *_WHEELS), semantic_text_splitter),
    "kit": (("cased-kit", _PACK), kit),
    "tree-sitter": (("tree-sitter", *_WHEELS), tree_sitter),
}


def lines(work: tuple[str, str]) -> tuple[str, int]:
    """One file's chunks as JSON Lines, and their number; ("", -1) when the peer cannot do the file."""
    name, path = work
    try:
        text = Path(path).read_bytes().decode()
        made = PEERS[name][1](LANGUAGES[Path(path).suffix.lower()])(text)
    except Exception:
        return "", -1
    return "".join(json.dumps({"path": path, "text": text}) + "\n" for text in made), len(made)


def main() -> None:
    """Run the peer on every file below the folder; the last line tells seconds, what it made and how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("processes", type=int)
    args = parser.parse_args()
    name, folder, processes = args.peer, args.folder, args.processes
    paths = sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in LANGUAGES and path.is_file())
    for work in paths[:1]:
        lines((name, work))  # imports are no part of the measurement
    began = time.perf_counter()
    chunks = failed = 0
    pool = multiprocessing.get_context("fork").Pool(processes) if processes > 1 else contextlib.nullcontext()
    with tempfile.TemporaryFile("w") as file, pool as workers:
        every = ((name, path) for path in paths)
        for made, count in workers.imap(lines, every, 4) if workers else map(lines, every):
            file.write(made)
            chunks, failed = chunks + max(count, 0), failed + (count < 0)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "made": chunks, "failed": failed}))


if __name__ == "__main__":
    main()
