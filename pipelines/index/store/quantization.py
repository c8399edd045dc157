"""How a version's vectors are kept: the least lossy way that fits `index.memory_mb`.

Measured with Edge 0.9.0, 384 dimensions, clustered vectors, 66 words a chunk (`benchmarks/index/memory.py`): a graph
over quantised vectors finds as much as one over whole ones (recall@10 of 1.00) when it proposes three times as many
and these are scored by the whole vectors, which stay on disk; without that int8 finds .97, 4 bits .90. Two bits find
.99 and one bit .87 even so, and what they save beside the rest of a point is little: both are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.errors import NocturneError

MB = 1_000_000
WARN, FULL = 0.8, 0.95  # of the budget
BASE = 8 * MB  # of the process that searches, beside its interpreter
POINT = 600  # bytes of a point beside its vector: heap 180, BM25 290, graph 60, the rest ids and payload indexes
OVERSAMPLING = 3.0  # candidates by quantised vectors for each that is wanted
# With 256 candidates a search this graph finds what one of 16 edges and 100 candidates does (recall@10 of 1.00 at
# 40,000 and 100,000 points, also for questions far from every point) in about four fifths of its building time. With 8
# edges and 64 candidates it takes half of that, but some builds find .988 of the far ones.
EDGES, CONSTRUCT = 12, 80
SCANNED = 20_000  # points up to which every vector is looked at, also those that a filter leaves: two milliseconds
# A filter that leaves up to this share of the points cuts the graph into pieces: walked past what it leaves out, as
# ACORN does (Patel et al. 2024, arXiv:2403.04871), recall@10 is 1.00 where it was .80 to .99 (25,000 points, 30%, 70%).
CUTTING = 0.8


@dataclass(frozen=True)
class Layout:
    """One way to keep the vectors that a search walks; `bits` of each number."""

    name: str
    bits: int


LAYOUTS = (Layout("float32", 32), Layout("int8", 8), Layout("turbo4", 4))


def estimate_memory(layout: Layout, count: int, dimension: int) -> int:
    """Bytes of memory in which searches do not wait for the disk: an estimate, before anything is built."""
    return BASE + count * (POINT + dimension * layout.bits // 8)


def choose_layout(count: int, dimension: int, memory_mb: int) -> Layout:
    """The first of LAYOUTS that leaves a fifth of the budget free, else the smallest.

    Raises:
        NocturneError: that takes more than 95% of the budget.
    """
    fitting = (layout for layout in LAYOUTS if estimate_memory(layout, count, dimension) < WARN * memory_mb * MB)
    layout = next(fitting, LAYOUTS[-1])
    refuse_beyond(layout.name, count, dimension, memory_mb)
    return layout


def refuse_beyond(layout: str, count: int, dimension: int, memory_mb: int) -> None:
    """Say so when an index of so many points would take more than 95% of the budget.

    Args:
        layout: of LAYOUTS, by name.

    Raises:
        NocturneError: it would.
    """
    takes = estimate_memory(layout_named(layout), count, dimension)
    if takes > FULL * memory_mb * MB:
        enough = -(-takes * 100 // int(90 * MB))
        raise NocturneError(
            f"{count:,} chunks need about {takes / MB:,.0f} MB as {layout}, more than 95% of index.memory_mb "
            f"({memory_mb:,}).",
            f"Set index.memory_mb to {enough:,}, take less in (snapshot.exclude), or set index.url to a Qdrant server.",
        )


def layout_named(layout: str) -> Layout:
    """The layout of a name; a version without one was built before there were any."""
    return next((one for one in LAYOUTS if one.name == layout), LAYOUTS[0])


def vector_config(dimension: int, layout: str, dense: str, sparse: str) -> Any:
    """What Edge makes a shard of. Without a write-ahead log: a build that was killed is begun anew.

    BM25's index is read where it lies: on the heap it costs 360 bytes a point and every process that opens it, and
    searches are no faster.
    """
    import qdrant_edge as edge

    quantised = layout_named(layout).bits < 32
    vectors = edge.EdgeVectorParams(
        size=dimension,
        distance=edge.Distance.Cosine,
        quantization_config=_quantisation(layout),
        memory=edge.Memory.Cold if quantised else None,
    )
    words = edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf, memory=edge.Memory.Cold)
    scanned_kb = SCANNED * dimension * 4 // 1024
    graph = edge.HnswIndexConfig(m=EDGES, ef_construct=CONSTRUCT, full_scan_threshold=scanned_kb)
    optimizers = edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=scanned_kb)
    return edge.EdgeConfig(
        vectors={dense: vectors},
        sparse_vectors={sparse: words},
        hnsw_config=graph,
        optimizers=optimizers,
        wal_enabled=False,
    )


def _quantisation(layout: str) -> Any:
    import qdrant_edge as edge

    if layout == "int8":
        return edge.ScalarQuantizationConfig(type=edge.ScalarType.Int8, quantile=0.99, memory=edge.Memory.Cached)
    if layout == "turbo4":
        return edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4, memory=edge.Memory.Cached)
    return None


def is_graph_walked(file: str, files: Sequence[str]) -> bool:
    """Whether a search walks this file of a shard: not the chunks' texts and the vectors that are only read for hits.

    Args:
        file: its path; beside quantised vectors the whole ones are only read for hits.
        files: all paths of the shard.
    """
    if "/payload_storage/" in file or "/store/" in file:
        return False
    segment = file.rsplit("/", 1)[0]
    return not (file.endswith("matrix.dat") and f"{segment}/quantized.data" in files)
