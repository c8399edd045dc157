"""Whether a candidate may go live: pure rules over what was measured."""

from pipelines.gates.index_gates import Retrieval
from pipelines.gates.verdict import Judged, Verdict, decide, top_moves, verdict_word

__all__ = ["Judged", "Retrieval", "Verdict", "decide", "top_moves", "verdict_word"]
