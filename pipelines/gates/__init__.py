"""Whether a candidate may go live: pure rules over what was measured."""

from pipelines.gates.verdict import Gate, Verdict, decide

__all__ = ["Gate", "Verdict", "decide"]
