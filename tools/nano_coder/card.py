"""Write the model card from the figures that the other steps left.

    python -m tools.nano_coder.card --corpus CORPUS --shards SHARDS --state STATE --evaluation EVALUATION.json \
        --model MODEL
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

LANGUAGES = {
    "python": "Python",
    "javascript": "JavaScript",
    "typescript": "TypeScript",
    "java": "Java",
    "go": "Go",
    "rust": "Rust",
}


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def architecture(config: dict[str, Any], parameters: int) -> str:
    """The sizes of config.json."""
    return table(
        ("architecture", "parameters", "layers", "hidden", "feed-forward", "heads (key-value)", "context"),
        [
            (
                f"{config['architectures'][0]}, tied embeddings",
                f"{parameters:,}",
                config["num_hidden_layers"],
                config["hidden_size"],
                config["intermediate_size"],
                f"{config['num_attention_heads']} ({config['num_key_value_heads']})",
                f"{config['max_position_embeddings']:,}, trained at 1,024",
            )
        ],
    )


def training(facts: dict[str, Any], tokens: dict[str, int]) -> str:
    """Budget, tokens and the mixture of forms."""
    total = sum(tokens.values())
    shares = {kind: f"{count / total:.0%}" for kind, count in tokens.items()}
    device = "one GPU" if facts["device"] == "cuda" else f"CPU, {facts['threads']} threads"
    return (
        f"{facts['tokens'] / 1e6:.1f}M tokens in {facts['steps']:,} steps of {facts['batch_rows']} rows of 1,024, "
        f"in {facts['minutes']:.0f} minutes ({device}, bfloat16 with float32 master weights). "
        f"The corpus makes {total / 1e6:.1f}M tokens: {shares['fim']} fill-in-the-middle, {shares['chat']} chat "
        f"(explain and implement), {shares['plain']} plain files. Muon for the layers' matrices, AdamW for the rest, "
        f"peak rate {facts['peak_rate']:g}, linear decay over the last half."
    )


def evaluation(facts: dict[str, dict[str, float]]) -> str:
    """Bits per byte by language, and the bytes they were counted on."""
    rows = [
        (
            LANGUAGES[language],
            f"{facts[language]['plain']:.2f}",
            f"{facts[language]['fim']:.2f}",
            f"{facts[language]['plain_bytes']:,}",
            f"{facts[language]['fim_bytes']:,}",
            f"{facts[language]['overlap']:.1%}",
        )
        for language in LANGUAGES
    ]
    return table(("language", "plain", "fill-in-the-middle", "bytes, plain", "bytes, middles", "overlap"), rows)


def corpus(manifest: list[dict[str, Any]]) -> str:
    """Every package with its version, licence, files and bytes, language by language."""
    by_language = defaultdict(list)
    for row in manifest:
        by_language[row["language"]].append(row)
    parts = []
    for language, name in LANGUAGES.items():
        rows = [
            (
                row["name"] + (" (held out)" if row["heldout"] else ""),
                row["registry"],
                row["version"],
                row["licence"],
                row["files"],
                f"{row['bytes']:,}",
            )
            for row in sorted(by_language[language], key=lambda row: row["name"].lower())
        ]
        head = ("package", "from", "version", "licence", "files", "bytes")
        parts.append(f"### {name}\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def summary(manifest: list[dict[str, Any]]) -> str:
    """How many megabytes of each language are trained on."""
    sizes: dict[str, int] = defaultdict(int)
    for row in manifest:
        if not row["heldout"]:
            sizes[row["language"]] += row["bytes"]
    parts = ", ".join(f"{LANGUAGES[language]} {sizes[language] / 1e6:.1f} MB" for language in LANGUAGES)
    return f"{sum(sizes.values()) / 1e6:.0f} MB of source: {parts}."


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder written by tools.nano_coder.corpus")
    parser.add_argument("--shards", type=Path, required=True, help="folder written by tools.nano_coder.shards")
    parser.add_argument("--state", type=Path, required=True, help="folder of tools.nano_coder.train's state")
    parser.add_argument("--evaluation", type=Path, required=True, help="written by tools.nano_coder.evaluate")
    parser.add_argument("--model", type=Path, required=True, help="the model's folder; its README.md is written")
    parser.add_argument("--note", default="", help="a sentence about this run that the figures do not tell")
    args = parser.parse_args()

    def read(path: Path) -> Any:
        return json.loads(path.read_text(encoding="utf-8"))

    manifest, facts = read(args.corpus / "manifest.json"), read(args.state / "training.json")
    config = read(args.model / "config.json")
    card = Template(Path(__file__).with_suffix(".md").read_text(encoding="utf-8")).substitute(
        architecture=architecture(config, facts["parameters"]),
        vocabulary=f"{config['vocab_size']:,}",
        training=training(facts, read(args.shards / "shards.json")["tokens"]) + f" {args.note}".rstrip(),
        heldout=", ".join(sorted((row["name"] for row in manifest if row["heldout"]), key=str.lower)),
        evaluation=evaluation(read(args.evaluation)),
        corpus_summary=summary(manifest),
        corpus=corpus(manifest),
    )
    (args.model / "README.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
