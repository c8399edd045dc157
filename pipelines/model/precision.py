"""A plain encoder in float32, bfloat16 or eight bits, by OpenVINO on the processor's cores.

One text runs at a time, at its exact length, on one thread; several streams take several texts. So the bytes depend on
the text alone. Eight bits: weights by row, activations by tensor, but for the feed-forward block's output, whose input
has single values a hundred times the usual; that product runs in bfloat16, or float32 where the processor lacks it.
The largest hundredth of an activation's channels is scaled down, and their weights up (after SmoothQuant, Xiao et al.
2023, arXiv:2211.10438). Measured on 60 chunks, cosine to float32: plain .9926, so scaled .9952, without that product
.9978.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipelines.errors import NocturneError
from pipelines.model.bert import PlainBert, graph

if TYPE_CHECKING:
    import numpy as np

LEFT_OUT = "output"  # the activation that stays out of eight bits
KEPT = 0.99  # of an activation's channels are not scaled
AHEAD = 8  # texts a stream that are tokenized ahead
CALIBRATION_TEXTS = 16


@dataclass(frozen=True)
class Range:
    """How one activation becomes eight bits.

    Attributes:
        scale: by which each channel is divided, (channels,); 1 for nearly all.
        low, high: the smallest and largest value after that.
    """

    scale: "np.ndarray"
    low: float
    high: float


class Network:
    """A plain encoder that is ready to run."""

    def __init__(
        self, bert: PlainBert, precision: str, threads: int, ranges: Mapping[str, Range] | None = None
    ) -> None:
        """Compile the network.

        Args:
            precision: `fp32`, `bf16` or `int8`.
            ranges: of each activation, for `int8`.

        Raises:
            NocturneError: the processor has no bfloat16.
        """
        self.dimension, self.max_tokens, self.prompts = bert.dimension, bert.max_tokens, bert.prompts
        self._bert, self._threads = bert, threads
        compute = "f32" if precision == "fp32" or not has_bfloat16() else "bf16"
        if precision == "bf16" and compute == "f32":
            raise NocturneError(
                "This processor does not compute in bfloat16.", "Set embedding.variant to int8, fp32 or static."
            )
        self._compiled = _compiled(_model(bert, ranges or {}), compute, threads)

    def vectors(self, texts: Sequence[str], prompt: str = "") -> "Iterator[np.ndarray]":
        """The mean of the last states of each text, (dimension,), in their order."""
        # Here and not in the threads: a tokenizer that truncates cannot be shared between threads.
        return self.of_ids(self._bert.ids(prompt + text) for text in texts)

    def of_ids(self, texts: Iterable[Sequence[int]]) -> "Iterator[np.ndarray]":
        """The same for texts that are token ids already."""
        runs = [self._run() for _ in range(self._threads)]
        waiting = iter(texts)
        with ThreadPoolExecutor(self._threads) as pool:
            while part := list(islice(waiting, self._threads * AHEAD)):
                if len(part) == 1:  # a question, mostly: a thread to wait for costs a sixth of what it takes
                    yield runs[0](part[0])
                    break
                lanes = [part[lane :: self._threads] for lane in range(self._threads)]
                made = list(pool.map(lambda run, lane: [run(ids) for ids in lane], runs, lanes))
                yield from (made[place % self._threads][place // self._threads] for place in range(len(part)))

    def _run(self) -> Any:
        import numpy as np

        request = self._compiled.create_infer_request()
        return lambda ids: request.infer([np.array(ids, dtype=np.int64)])[0].copy()


def has_bfloat16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    from openvino import Core

    return "BF16" in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def calibrated(bert: PlainBert) -> dict[str, Range]:
    """The range of each activation over texts drawn from the vocabulary.

    The extremes are those of the special tokens and of a few channels, whatever the text: over real code, each was
    within a few hundredths of these.
    """
    import numpy as np
    from openvino import Model
    from openvino import opset13 as op

    seen: dict[str, Any] = {}

    def watched(name: str, states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
        seen[name] = states
        return _plain(name, states, weight, bias)

    ids, mean = graph(bert, watched)
    axis = op.constant(np.array([0], dtype=np.int64))
    extremes = [reduce(node, axis, False) for node in seen.values() for reduce in (op.reduce_min, op.reduce_max)]
    request = _compiled(Model([op.result(node) for node in [mean, *extremes]], [ids]), "f32", 1).create_infer_request()
    runs = []
    for text in _drawn(bert):
        found = request.infer([np.array(bert.ids(text), dtype=np.int64)])
        runs.append([found[place].copy() for place in range(1, 2 * len(seen) + 1)])
    ends = [np.stack(values) for values in zip(*runs, strict=True)]
    return {name: _range(ends[2 * place].min(0), ends[2 * place + 1].max(0)) for place, name in enumerate(seen)}


def _range(low: "np.ndarray", high: "np.ndarray") -> Range:
    import numpy as np

    most = np.maximum(-low, high)
    scale = np.maximum(1, most / np.quantile(most, KEPT)).astype(np.float32)
    return Range(scale, float((low / scale).min()), float((high / scale).max()))


def _drawn(bert: PlainBert) -> Iterator[str]:
    import random

    words = sorted(word for word in bert.tokenizer.get_vocab() if word.isalpha())
    chance = random.Random(17)
    for count in range(CALIBRATION_TEXTS):
        yield " ".join(chance.choices(words, k=4 + count * bert.max_tokens // CALIBRATION_TEXTS))


def _model(bert: PlainBert, ranges: Mapping[str, Range]) -> Any:
    from openvino import Model
    from openvino import opset13 as op

    def product(name: str, states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
        known = None if name.endswith(f".{LEFT_OUT}") else ranges.get(name)
        return _eight_bits(known, states, weight, bias) if known else _plain(name, states, weight, bias)

    ids, mean = graph(bert, product)
    return Model([op.result(mean)], [ids])


def _plain(name: str, states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
    from openvino import opset13 as op

    return op.add(op.matmul(states, op.constant(weight), False, True), op.constant(bias[None]))


def _eight_bits(known: Range, states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
    import numpy as np
    from openvino import opset13 as op

    rows = weight * known.scale[None]
    step = (np.maximum(np.abs(rows).max(1, keepdims=True), 1e-9) / 127).astype(np.float32)
    whole = np.clip(np.round(rows / step), -127, 127).astype(np.int8)
    low, high = np.float32(known.low), np.float32(known.high)
    ends = [op.constant((end * known.scale[None]).astype(np.float32)) for end in (low, high)]
    rounded = op.fake_quantize(states, *ends, op.constant([[low]]), op.constant([[high]]), 256)
    scaled = op.multiply(op.convert(op.constant(whole), "f32"), op.constant(step))
    return op.add(op.matmul(rounded, scaled, False, True), op.constant(bias[None]))


def _compiled(model: Any, compute: str, threads: int) -> Any:
    from openvino import Core

    settings = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": compute}
    return Core().compile_model(model, "CPU", settings)
