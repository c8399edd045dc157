"""Search in the index of one release."""

from pipelines.assistant.live import Live
from pipelines.index import Hit, open_index
from pipelines.index.question import parse
from pipelines.model.encoder import load_encoder
from pipelines.params import Params
from pipelines.project import Project


def search(project: Project, params: Params, live: Live, text: str, limit: int) -> list[Hit]:
    """The best chunks for a text, best first, from the release's index, by the release's encoder.

    Args:
        text: words, and filters as `pipelines.index.question` reads them.

    Raises:
        UsageError: the text is empty, or has a filter that cannot be read.
        NocturneError: the index version or the encoder is not to be had.
    """
    asked = parse(text)
    # The index first: a missing one is told at once, a model takes seconds to load.
    with open_index(project, params.index, live.index_version) as index:
        vector = load_encoder(live.encoder).encode([asked.text], 1)[0]
        return index.search(asked.text, vector, limit, asked.scope)
