"""A plain encoder in float32, bfloat16 or eight bits, by OpenVINO on the processor's cores.

One text runs at a time, on one thread; several streams take several texts. So the bytes depend on the text alone.
OpenVINO makes kernels for each length that it meets, which takes as long as a text or two: lengths are rounded up.

Eight bits: weights by row, activations by tensor. The largest hundredth of an activation's channels is scaled down, and
their weights up (after SmoothQuant, Xiao et al. 2023, arXiv:2211.10438). The input of the feed-forward block's output
has single values a hundred times the usual: its few largest channels are multiplied in floating point, apart (after
LLM.int8(), Dettmers et al. 2022, arXiv:2208.07339). Measured on 40 chunks, cosine to float32: with these scaled too
.9955, with them apart .9972.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from pipelines.encoder.minilm import BertGraph, build_float_model, build_graph
from pipelines.errors import NocturneError

if TYPE_CHECKING:
    import numpy as np

KEPT = 0.99  # of an activation's channels are not scaled
EXTREME = "output"  # the activation with single large values
APART = 4  # of its channels
AHEAD = 16  # texts a stream that are tokenized while others run
CALIBRATION_TEXTS = 16
SHORT, LONG = 4, 16  # tokens; a text of up to LONG gets a multiple of SHORT, a longer one of LONG


@dataclass(frozen=True)
class Range:
    """How one activation becomes eight bits.

    Attributes:
        scale: by which each channel is divided, (channels,); 1 for nearly all.
        low, high: the smallest and largest value after that, but for the channels `apart`.
        apart: the numbers of the channels that stay as they are, (few).
    """

    scale: "np.ndarray"
    low: float
    high: float
    apart: "np.ndarray"


class OpenVinoBackend:
    """A plain encoder that is ready to run."""

    def __init__(
        self, bert: BertGraph, precision: str, threads: int, ranges: Mapping[str, Range] | None = None
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
        compiled = _compile(_model(bert, ranges or {}), compute, threads)
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(threads):
            self._idle.put(compiled.create_infer_request())

    def vectors(self, texts: Sequence[str], prompt: str = "") -> "Iterator[np.ndarray]":
        """The mean of the last states of each text, (dimension,), in their order."""
        # Here and not in the threads: a tokenizer that truncates cannot be shared between threads.
        return self.of_ids(self._bert.ids(prompt + text) for text in texts)

    def of_ids(self, texts: Iterable[Sequence[int]]) -> "Iterator[np.ndarray]":
        """The same for texts that are token ids already."""
        waiting = iter(texts)
        running: list[Future[np.ndarray]] = []
        with ThreadPoolExecutor(self._threads) as pool:
            while part := list(islice(waiting, self._threads * AHEAD)):
                if len(part) == 1 and not running:  # a question, mostly: waiting for a thread costs a sixth of its time
                    yield self._vector(part[0])
                    return
                # By length, for a network that gets another one prepares itself anew.
                order = sorted(range(len(part)), key=lambda place: len(part[place]), reverse=True)
                begun = {place: pool.submit(self._vector, part[place]) for place in order}
                yield from (one.result() for one in running)
                running = [begun[place] for place in range(len(part))]
            yield from (one.result() for one in running)

    def _vector(self, ids: Sequence[int]) -> "np.ndarray":
        request = self._idle.get()
        try:
            made: np.ndarray = request.infer(_lengthen(ids, self._bert.positions))[0][0].copy()
        finally:
            self._idle.put(request)
        return made


def has_bfloat16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    from openvino import Core

    return "BF16" in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _lengthen(ids: Sequence[int], most: int) -> "list[np.ndarray]":
    """The inputs of the graph for a text, which gets one of few lengths; at most `most` tokens."""
    import numpy as np

    step = SHORT if len(ids) <= LONG else LONG
    longer = np.zeros(min(-(-len(ids) // step) * step, most), dtype=np.int64)
    longer[: len(ids)] = ids
    return [longer[None], np.array([len(ids)], dtype=np.int64)]


def calibrate(bert: BertGraph) -> dict[str, Range]:
    """The range of each activation over texts drawn from the vocabulary, and over the empty one.

    The extremes are those of the special tokens and of a few channels, whatever the text: over real code, each was
    within a few hundredths of these.
    """
    import numpy as np
    from openvino import Model
    from openvino import opset13 as op

    seen: dict[str, Any] = {}

    def watched(name: str, states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
        seen[name] = states
        return _plain(states, weight, bias)

    inputs, mean = build_graph(bert, watched)
    axes = op.constant(np.array([0, 1], dtype=np.int64))
    extremes = [reduce(node, axes, False) for node in seen.values() for reduce in (op.reduce_min, op.reduce_max)]
    request = _compile(Model([op.result(node) for node in [mean, *extremes]], inputs), "f32", 1).create_infer_request()
    runs = []
    for text in _draw_texts(bert):
        ids = bert.ids(text)
        found = request.infer([np.array([ids], dtype=np.int64), np.array([len(ids)], dtype=np.int64)])
        runs.append([found[place].copy() for place in range(1, 2 * len(seen) + 1)])
    ends = [np.stack(values) for values in zip(*runs, strict=True)]
    return {name: _range(name, ends[2 * place].min(0), ends[2 * place + 1].max(0)) for place, name in enumerate(seen)}


def _range(name: str, low: "np.ndarray", high: "np.ndarray") -> Range:
    import numpy as np

    most = np.maximum(-low, high)
    order = np.argsort(most, kind="stable")
    if name.endswith(f".{EXTREME}"):
        rest, apart = order[:-APART], np.sort(order[-APART:])
        return Range(np.ones_like(most), float(low[rest].min()), float(high[rest].max()), apart)
    scale = np.maximum(1, most / np.quantile(most, KEPT)).astype(np.float32)
    return Range(scale, float((low / scale).min()), float((high / scale).max()), order[:0])


def _draw_texts(bert: BertGraph) -> Iterator[str]:
    import random

    yield ""  # special tokens that see nothing but each other go beyond what they do in any text
    words = sorted(word for word in bert.tokenizer.get_vocab() if word.isalpha())
    chance = random.Random(17)
    for count in range(CALIBRATION_TEXTS):
        yield " ".join(chance.choices(words, k=4 + count * bert.max_tokens // CALIBRATION_TEXTS))


def _model(bert: BertGraph, ranges: Mapping[str, Range]) -> Any:
    from openvino import Model
    from openvino import opset13 as op

    def product(name: str, states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
        known = ranges.get(name)
        return _eight_bits(known, states, weight, bias) if known else _plain(states, weight, bias)

    inputs, mean = build_graph(bert, product)
    return Model([op.result(mean)], inputs)


def _plain(states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
    from openvino import opset13 as op

    return op.add(op.matmul(states, build_float_model(weight), False, True), build_float_model(bias[None, None]))


def _eight_bits(known: Range, states: Any, weight: "np.ndarray", bias: "np.ndarray") -> Any:
    import numpy as np
    from openvino import opset13 as op

    rows = weight * known.scale[None]
    rows[:, known.apart] = 0
    step = (np.maximum(np.abs(rows).max(1, keepdims=True), 1e-9) / 127).astype(np.float32)
    whole = np.clip(np.round(rows / step), -127, 127).astype(np.int8)
    low, high = build_float_model(known.low), build_float_model(known.high)
    # Scaled apart and rounded by tensor: rounding by channel takes OpenVINO ten times as long.
    rounded = op.fake_quantize(
        op.multiply(states, build_float_model(1 / known.scale[None, None])), low, high, low, high, 256
    )
    made = op.matmul(rounded, op.multiply(op.convert(op.constant(whole), "f32"), op.constant(step)), False, True)
    if known.apart.size:
        few = op.gather(states, op.constant(known.apart), op.constant(np.int64(2)))
        made = op.add(made, op.matmul(few, build_float_model(weight[:, known.apart]), False, True))
    return op.add(made, build_float_model(bias[None, None]))


def _compile(model: Any, compute: str, threads: int) -> Any:
    from openvino import Core

    settings = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": compute}
    return Core().compile_model(model, "CPU", settings)
