"""Whether a candidate may go live: pure rules over what was measured."""

from pipelines.gates.verdict import Judged, Verdict, decide, moves, word

__all__ = ["Judged", "Verdict", "decide", "moves", "word"]
