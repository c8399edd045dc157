"""Publishing and opening versions: built aside, checked by searching it, then shown; the same steps on both engines."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import NocturneError, TornIndex
from pipelines.index.building import show
from pipelines.index.engine import Store, points
from pipelines.index.hybrid import Index
from pipelines.index.keywords import Keywords, mean_length
from pipelines.index.stores import missing, store_of
from pipelines.index.version import NAME_LETTERS, SCHEMA, IndexVersion, mending
from pipelines.params import Index as IndexParams
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import Record, file_sha256, fingerprint, read_json, read_jsonl

if TYPE_CHECKING:
    import numpy as np


def version_of(project: Project) -> str:
    """The version that the project's chunks and vectors make: 12 hex digits over their content, encoder and SCHEMA.

    Raises:
        NocturneError: extraction or embedding has not run.
    """
    chunks = _chunks_file(project)
    facts = read_json(project.path("embedding", "embedding.json"))
    if not chunks.is_file():
        raise NocturneError(f"{chunks} does not exist.", f"Run `nocturne nightly {project.name}` first.")
    parts = [file_sha256(chunks), facts["vectors_sha256"], facts["model"], facts["dimension"]]
    return fingerprint(SCHEMA, *parts)[:NAME_LETTERS]


def publish(project: Project, params: Params) -> IndexVersion:
    """Make the current chunks and vectors an index version that readers can open. Nothing points at it yet.

    A whole version of that content is left as it is. Otherwise one is built aside, made durable, opened again, counted
    and searched, and only then shown: a crash or a failed check leaves what was visible before.

    Raises:
        NocturneError: chunks and vectors do not fit together, the engine fails, or a canary search does not find its
            own chunk.
    """
    version = version_of(project)
    with closing(store_of(project, params.index)) as store:
        existing = store.read(version)
        if existing is not None and not store.faults(version):
            return existing
        return _build(store, project, version, params.index.canaries)


def open_index(project: Project, index: IndexParams, version: str) -> Index:
    """Open one published version.

    Args:
        index: the `index` section of params.yaml; its `url` chooses the engine.

    Raises:
        NocturneError: there is no whole version of this name, or it does not hold as many chunks as it says.
    """
    store = store_of(project, index)
    manifest = store.read(version)
    if manifest is None:
        raise missing(project, version)
    opened = Index(store.open(manifest), Keywords(manifest.mean_words), manifest.dimension)
    found = opened.count()
    if found != manifest.count:
        opened.close()
        raise TornIndex(
            f"Index version {version} of {project.name} holds {found} chunks, not {manifest.count}.",
            mending(project.name, version),
        )
    return opened


def _build(store: Store, project: Project, version: str, canaries: int) -> IndexVersion:
    facts = read_json(project.path("embedding", "embedding.json"))
    chunks, vectors = _chunks_file(project), _vectors(project, facts)
    mean_words = mean_length(read_jsonl(chunks))
    manifest = IndexVersion(version, len(vectors), facts["model"], int(facts["dimension"]), mean_words)
    return show(store, manifest, points(read_jsonl(chunks), vectors, Keywords(mean_words)), canaries)


def _vectors(project: Project, facts: Record) -> "np.ndarray":
    import numpy as np

    file = project.path("embedding", "vectors.npy")
    again = f"Delete {file.parent} and run `nocturne nightly {project.name}` again."
    if not file.is_file() or file_sha256(file) != facts["vectors_sha256"]:
        raise NocturneError(f"{file} is not what embedding.json says it is.", again)
    vectors: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
    rows = sum(1 for _ in read_jsonl(_chunks_file(project)))
    if vectors.shape != (rows, facts["dimension"]) or not np.isfinite(vectors).all():
        raise NocturneError(f"{file} has shape {vectors.shape}; there are {rows} chunks.", again)
    return vectors


def _chunks_file(project: Project) -> Path:
    return project.path("extraction", "chunks.jsonl")
