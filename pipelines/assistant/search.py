"""Search in the index of one release."""

from pipelines.assistant.live import Live
from pipelines.errors import UsageError
from pipelines.index import Hit, open_index
from pipelines.model.encoder import load_encoder
from pipelines.params import Params
from pipelines.project import Project


def search(project: Project, params: Params, live: Live, text: str, limit: int) -> list[Hit]:
    """The best chunks for a text, best first, from the release's index, by the release's encoder.

    Raises:
        UsageError: the text is empty.
        NocturneError: the index version or the encoder is not to be had.
    """
    if not text.strip():
        raise UsageError(
            "There is nothing to look for: the text is empty.", 'Write for example `nocturne ask "how …?"`.'
        )
    # The index first: a missing one is told at once, a model takes seconds to load.
    with open_index(project, params.index, live.index_version) as index:
        encoder = load_encoder(live.encoder, trust_remote_code=params.embedding.trust_remote_code)
        vector = encoder.encode_queries([text])[0]
        return index.search(text, vector, limit)
