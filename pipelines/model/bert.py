"""Sentence encoders of the plain kind (BERT, mean of the tokens, unit length: MiniLM, its relatives) without a library.

Loading sentence-transformers costs 8 to 11 seconds of processor time, this 1.7, and a person waits for it at every
question. The vectors are the library's, which a test compares; what is not of the plain kind is left to the library.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import NocturneError
from pipelines.records import read_json

if TYPE_CHECKING:
    import torch

KINDS = ["Transformer", "Pooling", "Normalize"]
CONFIG = {"model_type": "bert", "hidden_act": "gelu"}
FILES = ("model.safetensors", "tokenizer.json", "config.json", "1_Pooling/config.json", "sentence_bert_config.json")


@dataclass(frozen=True)
class PlainBert:
    """A plain sentence encoder; it answers to what `Encoder` asks of a SentenceTransformer.

    Attributes:
        max_seq_length: tokens read of a text.
    """

    weights: "dict[str, torch.Tensor]"
    tokenizer: Any
    max_seq_length: int
    layers: int
    heads: int
    epsilon: float

    @classmethod
    def load(cls, folder: Path) -> "PlainBert | None":
        """The model in a folder of sentence-transformers' layout; None when it is not of the plain kind."""
        if not _is_plain(folder):
            return None
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        weights = load_file(folder / "model.safetensors")
        if "embeddings.word_embeddings.weight" not in weights:
            return None
        config = read_json(folder / "config.json")
        length = int(read_json(folder / "sentence_bert_config.json")["max_seq_length"])
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
        floats = {name: value.float() for name, value in weights.items() if value.is_floating_point()}
        layers, heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        return cls(floats, tokenizer, length, layers, heads, float(config["layer_norm_eps"]))

    def get_embedding_dimension(self) -> int:
        """Numbers a vector."""
        return int(self.weights["embeddings.word_embeddings.weight"].shape[1])

    def preprocess(self, texts: list[str]) -> list[int]:
        """The token ids of the one text in the list."""
        ids: list[int] = self.tokenizer.encode(texts[0]).ids
        return ids

    def __call__(self, ids: list[int]) -> "dict[str, torch.Tensor]":
        """The unit vector of these tokens: `sentence_embedding`, shape (1, dimension)."""
        import torch

        states = self._embedded(torch.tensor(ids))
        for layer in range(self.layers):
            states = self._layer(f"encoder.layer.{layer}.", states)
        mean = states.sum(0, keepdim=True) / max(1, len(ids))
        return {"sentence_embedding": torch.nn.functional.normalize(mean, dim=1)}

    def _embedded(self, ids: "torch.Tensor") -> "torch.Tensor":
        table = self.weights
        words = table["embeddings.word_embeddings.weight"][ids]
        summed = words + table["embeddings.token_type_embeddings.weight"][0]
        return self._norm("embeddings.LayerNorm.", summed + table["embeddings.position_embeddings.weight"][: len(ids)])

    def _layer(self, name: str, states: "torch.Tensor") -> "torch.Tensor":
        from torch.nn.functional import gelu, scaled_dot_product_attention

        parts = [self._linear(f"{name}attention.self.{part}.", states) for part in ("query", "key", "value")]
        heads = [part.view(1, len(states), self.heads, -1).transpose(1, 2) for part in parts]
        seen = scaled_dot_product_attention(*heads).transpose(1, 2).reshape(states.shape)
        attended = self._linear(f"{name}attention.output.dense.", seen)
        states = self._norm(f"{name}attention.output.LayerNorm.", attended + states)
        wide = gelu(self._linear(f"{name}intermediate.dense.", states))
        return self._norm(f"{name}output.LayerNorm.", self._linear(f"{name}output.dense.", wide) + states)

    def _linear(self, name: str, states: "torch.Tensor") -> "torch.Tensor":
        from torch.nn.functional import linear

        return linear(states, self.weights[f"{name}weight"], self.weights[f"{name}bias"])

    def _norm(self, name: str, states: "torch.Tensor") -> "torch.Tensor":
        from torch.nn.functional import layer_norm

        weight, bias = self.weights[f"{name}weight"], self.weights[f"{name}bias"]
        return layer_norm(states, weight.shape, weight, bias, self.epsilon)


def _is_plain(folder: Path) -> bool:
    try:
        modules = [module["type"].rpartition(".")[2] for module in read_json(folder / "modules.json")]
        config = read_json(folder / "config.json")
        pooling = {k for k, v in read_json(folder / "1_Pooling" / "config.json").items() if v is True}
        prompts = read_json(folder / "config_sentence_transformers.json").get("default_prompt_name")
        lowered = read_json(folder / "sentence_bert_config.json").get("do_lower_case")
    except (NocturneError, AttributeError, KeyError, TypeError):
        return False
    absolute = config.get("position_embedding_type", "absolute") == "absolute"
    like_bert = absolute and {key: config.get(key) for key in CONFIG} == CONFIG
    whole = all((folder / name).is_file() for name in FILES)
    return (
        modules == KINDS
        and like_bert
        and pooling == {"pooling_mode_mean_tokens"}
        and not (prompts or lowered)
        and whole
    )
