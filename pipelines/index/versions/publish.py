"""Publishing and opening versions: built aside, checked by searching it, then shown; the same steps on both engines."""

from contextlib import closing

from pipelines.config.schema import Index as IndexParams
from pipelines.config.schema import Params
from pipelines.errors import TornIndex
from pipelines.index.search.hybrid import Index
from pipelines.index.store.bm25 import Keywords, mean_word_count
from pipelines.index.store.factory import missing_version, open_store
from pipelines.index.store.interface import make_points
from pipelines.index.store.manifest import IndexVersion, repair_step
from pipelines.index.versions.build import check_and_build
from pipelines.index.versions.inputs import Inputs
from pipelines.project import Project
from pipelines.wording import format_count


def version_of(project: Project) -> str:
    """The version that the project's chunks and vectors make.

    Raises:
        NocturneError: extraction or embedding has not run.
    """
    return Inputs.of(project).version()


def publish(project: Project, params: Params, material: Inputs | None = None) -> IndexVersion:
    """Make chunks and vectors an index version that readers can open. Nothing points at it yet.

    A whole version of that content is left as it is. Otherwise one is built aside, made durable, opened again, counted
    and searched, and only then shown: a crash or a failed check leaves what was visible before.

    Args:
        material: what it is made of; what the stages have made last, without it.

    Raises:
        NocturneError: chunks and vectors do not fit together, the engine fails, or a self-check query does not find its
            own chunk.
    """
    material = material or Inputs.of(project)
    version = material.version()
    with closing(open_store(project, params.index)) as store:
        existing = store.read(version)
        if existing is not None and not store.faults(version):
            return existing
        vectors, encoder = material.matrix(), material.facts["model"]
        mean_words = mean_word_count(material.rows())
        manifest = IndexVersion(version, len(vectors), encoder, int(material.facts["dimension"]), mean_words)
        batches = make_points(material.rows(), vectors, Keywords(mean_words))
        return check_and_build(store, manifest, batches, params.index.self_check_queries)


def open_index(project: Project, index: IndexParams, version: str) -> Index:
    """Open one published version.

    Args:
        index: the `index` section of params.yaml; its `url` chooses the engine.

    Raises:
        NocturneError: there is no whole version of this name, or it does not hold as many chunks as it says.
    """
    store = open_store(project, index)
    manifest = store.read(version)
    if manifest is None:
        with closing(store):
            raise missing_version(project, version)
    opened = Index(store.open(manifest), Keywords(manifest.mean_words), manifest.dimension)
    found = opened.count()
    if found != manifest.count:
        opened.close()
        raise TornIndex(
            f"Index version {version} of {project.name} holds {format_count(found, 'chunk')}, not {manifest.count:,}.",
            repair_step(project.name, version),
        )
    return opened
