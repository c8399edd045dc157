"""cocoindex on the files of `benchmarks.index.fresh`: its own code example's pipeline, into LanceDB.

    PYTHON benchmarks/index/peers/fresh.py SOURCE STATE MODEL

PYTHON is the interpreter of an environment that has cocoindex, lancedb and sentence-transformers. The script answers
commands on standard input, a line of JSON each: `{"do": "update"}` brings the index up to date, `{"do": "find", "word":
W}` says whether a chunk holds the word.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cocoindex as coco
from cocoindex.connectors import lancedb, localfs
from cocoindex.ops.sentence_transformers import SentenceTransformerEmbedder
from cocoindex.ops.text import RecursiveSplitter, detect_code_language
from cocoindex.resources.chunk import Chunk
from cocoindex.resources.file import FileLike, PatternFilePathMatcher
from cocoindex.resources.id import IdGenerator
from numpy.typing import NDArray

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("source", type=Path)
parser.add_argument("state", type=Path)
parser.add_argument("model")
args = parser.parse_args()
SOURCE, STATE, MODEL = args.source, args.state, args.model
TABLE = "chunks"
DATABASE = coco.ContextKey[lancedb.LanceAsyncConnection]("database")
EMBEDDER = coco.ContextKey[SentenceTransformerEmbedder]("embedder", detect_change=True)
CHARS, OVERLAP = 1600, 200

splitter = RecursiveSplitter()


@dataclass
class Row:
    """A chunk with its place and its vector."""

    id: int
    path: str
    code: str
    vector: Annotated[NDArray, EMBEDDER]


@coco.lifespan
async def provide(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    """The database and the model, for as long as the program runs."""
    builder.provide(DATABASE, await lancedb.connect_async(str(STATE / "lancedb")))
    builder.provide(EMBEDDER, SentenceTransformerEmbedder(MODEL))
    yield


@coco.fn
async def one_chunk(chunk: Chunk, path: str, ids: IdGenerator, table: lancedb.TableTarget[Row]) -> None:
    """A row for a chunk."""
    vector = await coco.use_context(EMBEDDER).embed(chunk.text)
    table.declare_row(row=Row(await ids.next_id(chunk.text), path, chunk.text, vector))


@coco.fn(memo=True)
async def one_file(file: FileLike, table: lancedb.TableTarget[Row]) -> None:
    """The rows of a file."""
    path = file.file_path.path
    chunks = splitter.split(
        await file.read_text(),
        chunk_size=CHARS,
        chunk_overlap=OVERLAP,
        language=detect_code_language(filename=path.name),
    )
    await coco.map(one_chunk, chunks, str(path), IdGenerator(), table)


@coco.fn
async def everything(source: Path, endings: list[str]) -> None:
    """All files with these endings."""
    schema = await lancedb.TableSchema.from_class(Row, primary_key=["id"])
    table = await lancedb.mount_table_target(DATABASE, table_name=TABLE, table_schema=schema)
    matcher = PatternFilePathMatcher(included_patterns=[f"**/*{end}" for end in endings])
    files = localfs.walk_dir(source, recursive=True, path_matcher=matcher)
    await coco.mount_each(one_file, files.items(), table)


async def main() -> None:
    """Answer commands until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print too
    endings = json.loads(sys.stdin.readline())["endings"]
    app = coco.App(coco.AppConfig(name="IndexFresh"), everything, source=SOURCE, endings=endings)
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.perf_counter()
        if asked["do"] == "update":
            await app.update()
            answer = {"seconds": time.perf_counter() - began}
        else:
            table = await (await lancedb.connect_async(str(STATE / "lancedb"))).open_table(TABLE)
            found = await table.count_rows(f"code LIKE '%{asked['word']}%'")
            answer = {"found": found, "rows": await table.count_rows()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
