"""A Qwen2 of a few thousand random weights with Qwen's special tokens: real machinery where nano-coder is absent."""

from pathlib import Path

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ENDS = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|file_sep|>",
]


def make_base(folder: Path) -> None:
    """Write config, weights and a byte-level tokenizer into a folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator(["def return self value for in if\n    "], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, **ENDS)
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        eos_token_id=tokenizer.eos_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)


def make_smaller(folder: Path, model: Path) -> None:
    """Write a Qwen2 with the tokenizer of another model and one narrow layer of random weights."""
    import torch
    from transformers import AutoConfig, AutoTokenizer, Qwen2ForCausalLM

    AutoTokenizer.from_pretrained(model).save_pretrained(folder)
    config = AutoConfig.from_pretrained(model)
    config.update(
        {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "layer_types": ["full_attention"]}
    )
    torch.manual_seed(4)
    Qwen2ForCausalLM(config).save_pretrained(folder)


def make_adapter(folder: Path, base: Path, noise: float) -> None:
    """Write a LoRA adapter; `noise` is how far its second factor is from zero, where it would change nothing."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from pipelines.lm.adapter_manifest import write_manifest

    torch.manual_seed(2)
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=noise)
    model.save_pretrained(folder)
    write_manifest(folder, "adapter", quantised=True)


def make_cross_encoder(folder: Path, labels: int = 1) -> None:
    """Write a BERT of random weights that gives a pair of texts a score; its logits lie far apart."""
    import string

    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    letters = string.ascii_lowercase
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    vocab = {token: place for place, token in enumerate(vocabulary)}
    BertTokenizerFast(vocab=vocab, model_max_length=128).save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        initializer_range=0.5,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
