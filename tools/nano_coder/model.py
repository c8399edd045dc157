"""What nano-coder is: architecture, optimizers, the course of the learning rate, and the files it is saved as."""

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

from tools.nano_coder.tokenizer import CONTEXT, END, FILE, TURN_END, VOCABULARY

WARM_UP, DECAY = 0.015, 0.5  # shares of the budget
FLOOR = 0.01  # of the peak learning rate
MUON_SCALE = 2.0  # the matrices' rate is this multiple of the embeddings' rate
BETAS, WEIGHT_DECAY = (0.9, 0.95), 0.1


def configuration(tokenizer: Any) -> Qwen2Config:
    """About 6.0M parameters, 2.1M of them the embeddings that the output layer shares."""
    return Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        bos_token_id=tokenizer.convert_tokens_to_ids(END),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def rate(spent: float) -> float:
    """The factor on the learning rate when `spent` (0 to 1) of the budget is gone: warm-up, flat, linear decay
    (trapezoid; Hägele et al. 2024, arXiv:2405.18392)."""
    rise = min(1.0, spent / WARM_UP)
    fall = max(0.0, min(1.0, (1.0 - spent) / DECAY))
    return max(FLOOR, min(rise, fall))


def optimizers(model: torch.nn.Module, peak: float) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, at the update size of AdamW (Liu et al. 2025, arXiv:2502.16982), AdamW for the
    embeddings and, without decay, for norms and biases."""
    inner: list[torch.nn.Parameter] = []
    outer: list[torch.nn.Parameter] = []
    vectors: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        group = vectors if parameter.ndim == 1 else outer if "embed" in name else inner
        group.append(parameter)
    groups = [{"params": outer, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return [
        torch.optim.Muon(inner, lr=peak, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=peak, betas=BETAS, fused=True),
    ]


def export(model: Qwen2ForCausalLM, tokenizer: Any, out: Path) -> None:
    """Write weights (bf16 safetensors), configurations and tokenizer aside, then move each file into place."""
    aside = out.with_name(out.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    copy = Qwen2ForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    ends = [tokenizer.convert_tokens_to_ids(token) for token in (TURN_END, END, FILE)]
    copy.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=tokenizer.pad_token_id)
    copy.to(torch.bfloat16).save_pretrained(aside)
    for how_it_was_loaded in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(how_it_was_loaded, None)
    tokenizer.save_pretrained(aside)
    out.mkdir(parents=True, exist_ok=True)
    for file in aside.iterdir():
        file.chmod(0o644)  # safetensors writes for the owner only
        file.replace(out / file.name)
    aside.rmdir()
