"""The settings of retrieval: the encoder, the index, the search, and the answers made of what it finds."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipelines.config.schema.section import Count, Section, Text


class Embedding(Section):
    """The encoder of chunks and queries."""

    model: Text = Field(
        description="A folder, or a sentence-transformers model fetched with `hf download`. "
        "One that is not built like MiniLM needs variant fp32, or bf16 on a GPU."
    )
    variant: Literal["auto", "fp32", "bf16", "int8", "static"] = Field(
        description="Precision of the encoder; `auto` = the fastest that finds as much as fp32, measured once. "
        "`int8` takes about a quarter of the time. "
        "`static`, a table of vectors, is a hundred times as fast and finds less."
    )
    trust_remote_code: bool = Field(
        description="Whether code inside the model's repository may run. Keep it false for models you do not trust."
    )
    batch_size: Count = Field(
        description="Chunks between two writes to the cache. An interrupted night loses one batch at most."
    )

    @field_validator("model")
    @classmethod
    def _names_no_variant(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("must be the model's name alone; what follows @ goes into embedding.variant")
        return value


class Index(Section):
    """Where the live vectors are, how a new version is checked, and how much memory it may take."""

    url: str = Field(
        description="URL of a Qdrant server; empty = embedded, in data/live. "
        "`nocturne index move` sets it; the server's key goes into the variable QDRANT_API_KEY."
    )
    self_check_queries: Count = Field(
        description="Queries by which a new index must find its own chunks before it goes live."
    )
    memory_mb: Count = Field(
        description="Memory budget of an embedded index, in MB. Vectors are quantised to fit. "
        "A warning comes from 80%; from 95% nothing more is added."
    )


class Search(Section):
    """What a search shows, and in which order."""

    min_score: Annotated[float, Field(ge=0, le=1)] = Field(
        description="Minimum score, 0 to 1: lower hits are dropped; 0 = off. `nocturne ask` does not use them either. "
        "Measured with int8: 0.19 silences most questions about other subjects, and loses none of 118 right answers."
    )
    rerank: str = Field(
        description="A cross-encoder, by folder or name, that orders the first 20 hits; empty = none. "
        "Fetch it with `hf download`, for example cross-encoder/ms-marco-MiniLM-L6-v2. Scores are then its own."
    )


class Assistant(Section):
    """How questions are answered."""

    answer: Literal["extractive", "generate"] = Field(
        description="`extractive` quotes passages; `generate` lets the live model write the answer."
    )
    passages: Count = Field(description="Passages that an answer quotes at most.")
    max_new_tokens: Count = Field(description="Longest answer or completion that the model writes, in tokens.")
