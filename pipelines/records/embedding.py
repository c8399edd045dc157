"""What the embedding stage writes beside `vectors.npy` (float32, a row for each line of `chunks.jsonl`)."""

from typing import Annotated, NotRequired, TypedDict

VariantChoice = TypedDict(
    "VariantChoice",
    {
        "encoder": Annotated[str, "the encoder that was chosen, as `NAME@VARIANT#VERSION`"],
        "among": Annotated[list[str], "those that there were to choose from, fastest first"],
        "questions": Annotated[int, "documented functions that were searched for"],
        "ndcg@10": Annotated[dict[str, float], "0 to 1 for each encoder that was measured"],
    },
)
VariantChoice.__doc__ = "Which variant `embedding.variant: auto` stands for, and what decided."


class Embedding(TypedDict):
    """The vectors of the chunks."""

    model: Annotated[str, "the encoder, as `NAME@VARIANT#VERSION`"]
    dimension: Annotated[int, "numbers in a vector"]
    count: Annotated[int, "vectors, as many as chunks"]
    vectors_sha256: Annotated[str, "SHA-256 of `vectors.npy`"]
    choice: NotRequired[Annotated[VariantChoice, "only with `embedding.variant: auto`"]]
