"""Publishing and opening versions: built aside, checked by searching it, then shown; the same steps on both engines."""

from contextlib import closing

from pipelines.errors import TornIndex
from pipelines.index.building import show
from pipelines.index.engine import points
from pipelines.index.hybrid import Index
from pipelines.index.keywords import Keywords, mean_length
from pipelines.index.material import Material
from pipelines.index.stores import missing, store_of
from pipelines.index.version import IndexVersion, mending
from pipelines.params import Index as IndexParams
from pipelines.params import Params
from pipelines.project import Project


def version_of(project: Project) -> str:
    """The version that the project's chunks and vectors make.

    Raises:
        NocturneError: extraction or embedding has not run.
    """
    return Material.of(project).version()


def publish(
    project: Project, params: Params, material: Material | None = None, version: str | None = None
) -> IndexVersion:
    """Make chunks and vectors an index version that readers can open. Nothing points at it yet.

    A whole version of that content is left as it is. Otherwise one is built aside, made durable, opened again, counted
    and searched, and only then shown: a crash or a failed check leaves what was visible before.

    Args:
        material: what it is made of; what the stages have made last, without it.
        version: its name, where it has an older one than its content makes now.

    Raises:
        NocturneError: chunks and vectors do not fit together, the engine fails, or a canary search does not find its
            own chunk.
    """
    material = material or Material.of(project)
    version = version or material.version()
    with closing(store_of(project, params.index)) as store:
        existing = store.read(version)
        if existing is not None and not store.faults(version):
            return existing
        vectors, encoder = material.matrix(), material.facts["model"]
        mean_words = mean_length(material.rows())
        manifest = IndexVersion(version, len(vectors), encoder, int(material.facts["dimension"]), mean_words)
        batches = points(material.rows(), vectors, Keywords(mean_words))
        return show(store, manifest, batches, params.index.canaries)


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
        with closing(store):
            raise missing(project, store, version)
    opened = Index(store.open(manifest), Keywords(manifest.mean_words), manifest.dimension)
    found = opened.count()
    if found != manifest.count:
        opened.close()
        raise TornIndex(
            f"Index version {version} of {project.name} holds {found} chunks, not {manifest.count}.",
            mending(project.name, version),
        )
    return opened
