"""Train nano-coder's tokenizer on the corpus: byte-level BPE with Qwen2.5-Coder's special tokens and chat markers.

python -m tools.nano_coder.tokenizer --corpus CORPUS --out TOKENIZER
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 8192
CONTEXT = 2048
END, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
PAD = "<|fim_pad|>"
FILE = "<|file_sep|>"
SPECIAL = (
    END,
    TURN_START,
    TURN_END,
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    PAD,
    "<|repo_name|>",
    FILE,
)
# Qwen2's split: contractions, words with one leading mark, single digits, punctuation, line ends, white space.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.role == 'assistant' %}"
    "{% generation %}{{- message.content + '<|im_end|>' }}{% endgeneration %}"
    "{%- else %}{{- message.content + '<|im_end|>' }}{%- endif %}"
    "{{- '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def train(texts: Iterator[str]) -> Tokenizer:
    """A byte-level BPE tokenizer of VOCABULARY entries learned from `texts`; the special tokens come first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()  # transformers' Qwen2 tokenizer does so whatever the file says
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=24,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def wrapped(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The transformers tokenizer, with the chat template; padding differs from the end of a turn."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=TURN_END,
        pad_token=PAD,
        extra_special_tokens=[token for token in SPECIAL if token not in (TURN_END, PAD)],
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def texts(corpus: Path, share: float) -> Iterator[str]:
    """A random share (0 to 1) of the training documents' texts."""
    chance = random.Random(0)
    with (corpus / "documents.jsonl").open(encoding="utf-8") as file:
        for line in file:
            document = json.loads(line)
            if not document["heldout"] and chance.random() < share:
                yield document["text"]


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder written by tools.nano_coder.corpus")
    parser.add_argument("--out", type=Path, required=True, help="folder of the tokenizer's files")
    parser.add_argument("--share", type=float, default=0.3, help="share of the documents to learn from")
    args = parser.parse_args()
    wrapped(train(texts(args.corpus, args.share))).save_pretrained(args.out)


if __name__ == "__main__":
    main()
