"""Sentence encoders of the plain kind (BERT, mean of the tokens, unit length: MiniLM, its relatives): files and graph.

OpenVINO runs them. Loading sentence-transformers costs 8 to 11 seconds of processor time, this half a second, and a
person waits for it at every question. In float32 the vectors are the library's, which a test compares; what is not of
the plain kind is left to the library.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import NocturneError
from pipelines.records import read_json

if TYPE_CHECKING:
    import numpy as np

# OpenVINO tells Google Analytics of each import, and asks nobody, unless this package of its own cannot be imported.
# Whatever imports it imports this module first.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

KINDS = ["Transformer", "Pooling", "Normalize"]
CONFIG = {"model_type": "bert", "hidden_act": "gelu"}
FILES = ("model.safetensors", "tokenizer.json", "config.json", "1_Pooling/config.json", "sentence_bert_config.json")
WORDS = "embeddings.word_embeddings.weight"
UNSEEN = 1e4  # taken off the attention to what follows a text

Product = Callable[[str, Any, "np.ndarray", "np.ndarray"], Any]


@dataclass(frozen=True)
class BertGraph:
    """What the files of a plain sentence encoder hold.

    Attributes:
        weights: float32, by their names in model.safetensors; those of query, key and value are one, in this order.
        max_tokens: tokens read of a text.
        prompts: what belongs before a text, by its name: `query`, `document`.
    """

    weights: "dict[str, np.ndarray]"
    tokenizer: Any
    max_tokens: int
    layers: int
    heads: int
    epsilon: float
    prompts: dict[str, str]

    @classmethod
    def load(cls, folder: Path) -> "BertGraph | None":
        """The model in a folder of sentence-transformers' layout; None when it is not of the plain kind."""
        if not _is_plain(folder):
            return None
        import numpy as np
        from safetensors import safe_open
        from tokenizers import Tokenizer

        with safe_open(folder / "model.safetensors", framework="np") as file:
            names = list(file.keys())
            kinds = {file.get_slice(name).get_dtype() for name in names}
            if WORDS not in names or not kinds <= {"F32", "F16", "I64"}:
                return None
            read = {name: file.get_tensor(name) for name in names}
        config = read_json(folder / "config.json")
        length = int(read_json(folder / "sentence_bert_config.json")["max_seq_length"])
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
        floats = {name: value.astype(np.float32) for name, value in read.items() if value.dtype.kind == "f"}
        for layer in range(int(config["num_hidden_layers"])):
            _join(floats, f"encoder.layer.{layer}.attention.self.")
        layers, heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        prompts = read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
        return cls(floats, tokenizer, length, layers, heads, float(config["layer_norm_eps"]), prompts)

    @property
    def dimension(self) -> int:
        """Numbers a vector."""
        return int(self.weights[WORDS].shape[1])

    @property
    def positions(self) -> int:
        """The most tokens that the network takes."""
        return len(self.weights["embeddings.position_embeddings.weight"])

    def ids(self, text: str) -> list[int]:
        """The token ids of a text, [CLS] and [SEP] among them."""
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids


def build_graph(bert: BertGraph, product: Product) -> tuple[list[Any], Any]:
    """The network as OpenVINO's nodes: its two parameters, and the mean of the last states, (1, dimension).

    The parameters are the token ids of one text, int64 (1, tokens), and how many of these count, int64 (1): what
    follows changes nothing, so that a text may be given any length.

    Args:
        product: makes the node of `states @ weight.T`, given the activation's name, its node, (1, tokens, channels),
            the weight and the bias.
    """
    import numpy as np
    from openvino import opset13 as op

    table = bert.weights
    ids = op.parameter([1, -1], dtype=np.int64, name="ids")
    count = op.parameter([1], dtype=np.int64, name="count")
    length = op.gather(op.shape_of(ids), _integers(1), _integers(0))
    positions = op.range(_integers(0), length, _integers(1), "i64")
    counts = op.convert(op.less(positions, count), "f32")
    mask = op.unsqueeze(
        op.multiply(op.subtract(counts, build_float_model(1)), build_float_model(UNSEEN)), _integers([0, 1, 2])
    )
    places = table["embeddings.position_embeddings.weight"] + table["embeddings.token_type_embeddings.weight"][0]
    words = op.gather(op.constant(table[WORDS]), ids, _integers(0))
    states = op.add(words, op.gather(op.constant(places), positions, _integers(0)))
    states = _norm(bert, "embeddings.LayerNorm", states)
    for layer in range(bert.layers):
        states = _layer(bert, layer, states, mask, product)
    total = op.reduce_sum(op.multiply(states, op.unsqueeze(counts, _integers([0, 2]))), _integers([1]), False)
    return [ids, count], op.divide(total, op.convert(count, "f32"))


def build_float_model(values: Any) -> Any:
    """A constant node in float32."""
    import numpy as np
    from openvino import opset13 as op

    return op.constant(np.asarray(values, dtype=np.float32))


def _join(weights: "dict[str, np.ndarray]", name: str) -> None:
    """Query, key and value read the same states: one product does for the three."""
    import numpy as np

    for part in ("weight", "bias"):
        weights[f"{name}{part}"] = np.concatenate(
            [weights.pop(f"{name}{one}.{part}") for one in ("query", "key", "value")]
        )


def _layer(bert: BertGraph, layer: int, states: Any, mask: Any, product: Product) -> Any:
    from openvino import opset13 as op

    table, name = bert.weights, f"encoder.layer.{layer}."

    def dense(activation: str, node: Any, part: str) -> Any:
        weight, bias = table[f"{name}{part}.weight"], table[f"{name}{part}.bias"]
        return product(f"{layer}.{activation}", node, weight, bias)

    three = op.reshape(dense("attention", states, "attention.self"), _integers([0, 0, 3, bert.heads, -1]), True)
    apart = op.split(op.transpose(three, _integers([2, 0, 3, 1, 4])), _integers(0), 3)
    query, key, value = (op.squeeze(apart.output(place), _integers([0])) for place in range(3))
    seen = op.transpose(op.scaled_dot_product_attention(query, key, value, mask), _integers([0, 2, 1, 3]))
    joined = op.reshape(seen, _integers([0, 0, -1]), True)
    attended = op.add(dense("context", joined, "attention.output.dense"), states)
    states = _norm(bert, f"{name}attention.output.LayerNorm", attended)
    wide = op.gelu(dense("intermediate", states, "intermediate.dense"), "erf")
    return _norm(bert, f"{name}output.LayerNorm", op.add(dense("output", wide, "output.dense"), states))


def _norm(bert: BertGraph, name: str, states: Any) -> Any:
    from openvino import opset13 as op

    unit = op.mvn(states, _integers([2]), True, bert.epsilon, "inside_sqrt")
    scale, shift = bert.weights[f"{name}.weight"], bert.weights[f"{name}.bias"]
    return op.add(op.multiply(unit, build_float_model(scale[None, None])), build_float_model(shift[None, None]))


def _integers(values: Any) -> Any:
    import numpy as np
    from openvino import opset13 as op

    return op.constant(np.array(values, dtype=np.int64))


def _is_plain(folder: Path) -> bool:
    try:
        modules = [module["type"].rpartition(".")[2] for module in read_json(folder / "modules.json")]
        config = read_json(folder / "config.json")
        pooling = read_json(folder / "1_Pooling" / "config.json")
        settings = read_json(folder / "config_sentence_transformers.json")
        lowered = read_json(folder / "sentence_bert_config.json").get("do_lower_case")
    except (NocturneError, AttributeError, KeyError, TypeError):
        return False
    absolute = config.get("position_embedding_type", "absolute") == "absolute"
    like_bert = absolute and {key: config.get(key) for key in CONFIG} == CONFIG
    whole = all((folder / name).is_file() for name in FILES)
    pooled = _modes(pooling) == {"pooling_mode_mean_tokens"} and pooling.get("include_prompt", True)
    return modules == KINDS and like_bert and pooled and not (settings.get("default_prompt_name") or lowered) and whole


def _modes(pooling: Mapping[str, Any]) -> set[str]:
    return {key for key, value in pooling.items() if key.startswith("pooling_mode_") and value is True}
