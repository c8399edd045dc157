"""The settings of what is read: projects, files, history, and what is cleaned out of them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.config.schema.section import Count, CountOrZero, Section, Text


class Source(Section):
    """One project: where its repository is, and what of it is never read."""

    source: Text = Field(
        description="Path of the git repository on this machine; a relative path starts at the folder of params.yaml. "
        "`nocturne add` writes it."
    )
    forget: list[str] = Field(
        default=[],
        description="Paths, .gitignore patterns or blob hashes that are never read. "
        "`nocturne forget` adds to the list.",
    )


class Snapshot(Section):
    """Which tracked files are read."""

    include: list[str] = Field(
        description='Files that are read, as .gitignore patterns. `["*"]` reads every tracked file.'
    )
    exclude: list[str] = Field(
        description="Files that are left out, as .gitignore patterns. "
        "The two shipped ones change with each night of a workspace that learns itself."
    )


class Extraction(Section):
    """How files become symbols and chunks."""

    max_file_kb: Count = Field(
        description="Larger files are skipped, in KiB. Each one is listed in extraction/skipped.jsonl."
    )
    max_data_kb: Count = Field(
        description="Larger data files are skipped, in KiB. Data files are CSV, TSV, JSON, XML, SVG and lock files."
    )
    chunk_chars: Annotated[int, Field(ge=200)] = Field(
        description="Maximum length of a retrieval chunk, in characters. A chunk ends on a syntax boundary before it. "
        "A change embeds every chunk again."
    )
    overlap_chars: CountOrZero = Field(
        description="Characters that two chunks share where one symbol has to be cut. "
        "At most half of `extraction.chunk_chars`."
    )
    generated: Literal["skip", "read"] = Field(
        description="Whether code that a program wrote is read. "
        "It is recognised by .gitattributes, its file name, or the notice at its top."
    )
    vendored: Literal["skip", "read"] = Field(
        description="Whether code copied from elsewhere is read. It is recognised by .gitattributes or its path."
    )

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> "Extraction":
        if self.overlap_chars * 2 > self.chunk_chars:
            raise ValueError(
                f"extraction.overlap_chars ({self.overlap_chars}) must be at most half of extraction.chunk_chars "
                f"({self.chunk_chars})"
            )
        return self


class History(Section):
    """Which commits are learned from."""

    commits: CountOrZero = Field(description="How many commits are read, newest first; 0 = none.")
    max_files: Count = Field(
        description="A commit that changed more files is skipped as bulk. It is listed in history/skipped.jsonl."
    )
    min_message_chars: Count = Field(description="A commit with a shorter message is skipped, in characters.")
    fixed_within_days: CountOrZero = Field(
        description="A version that a fix replaced within so many days counts as wrong. "
        "It becomes the worse half of a preference pair."
    )


class Cleaning(Section):
    """What is kept out of everything that is learned; it runs before anything else reads a file."""

    secrets: Literal["redact", "quarantine"] = Field(
        description="What happens to a file with a secret. `redact` blanks the secret, `quarantine` skips the file."
    )
    personal: Literal["redact", "quarantine", "keep"] = Field(
        description="What happens to a file with an e-mail address or a phone number. "
        "`redact` blanks it, `quarantine` skips the file, `keep` learns it."
    )
    ip_addresses: bool = Field(description="Whether public IP addresses count as personal data.")
    licenses: list[Text] = Field(
        description="Licences that are read, as SPDX identifiers; empty = all. "
        "A file whose header states another licence is skipped."
    )
