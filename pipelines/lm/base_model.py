"""The base model: where its files are, which they are, and how it is loaded: in four bits or as it is."""

import logging
import re
from pathlib import Path
from typing import Any

from pipelines.errors import NocturneError
from pipelines.records import file_sha256, fingerprint

DENSE_SHARE = 0.25  # of the machine's memory


def locate_model(base_model: str, workspace: Path) -> str:
    """A folder of the workspace when there is one of that name, else the name on the Hugging Face hub."""
    folder = workspace / base_model
    return str(folder) if folder.is_dir() else base_model


def model_identity(base_model: str, workspace: Path) -> str:
    """What changes when the base model's weights or tokenizer change.

    A folder: SHA-256 over its files. A hub name: the commit in the local cache, empty until it is downloaded.
    """
    folder = workspace / base_model
    if folder.is_dir():
        files = sorted(f for f in folder.iterdir() if f.suffix in {".safetensors", ".json", ".jinja", ".txt"})
        return fingerprint([[file.name, file_sha256(file)] for file in files])
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(base_model, "config.json") if re.match(r"^[\w.-]+/[\w.-]+$", base_model) else None
    return Path(cached).parent.name if isinstance(cached, str) else ""


def load_tokenizer(base_model: str, workspace: Path) -> Any:
    """The base model's tokenizer, with a padding token.

    Raises:
        NocturneError: neither the workspace nor the hub has the model.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(locate_model(base_model, workspace), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise _unavailable(base_model, error) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(base_model: str, workspace: Path, quantised: bool = True) -> Any:
    """The base model on the process's GPU when there is one, in bfloat16 if it can, else in float32 on the CPU.

    Args:
        quantised: in nf4 with double quantisation (QLoRA, Dettmers et al. 2023, arXiv:2305.14314).

    Raises:
        NocturneError: neither the workspace nor the hub has the model.
    """
    return load_weights(locate_model(base_model, workspace), _four_bits() if quantised else None)


def load_weights(place: str, quantisation: Any = None, dtype: Any = None) -> Any:
    """A causal language model from a folder or the hub.

    Args:
        dtype: torch's; by default `compute_dtype()`.

    Raises:
        NocturneError: there is none.
    """
    import torch
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(
            place,
            quantization_config=quantisation,
            dtype=dtype or compute_dtype(),
            attn_implementation=_attention(),
            device_map={"": torch.cuda.current_device() if torch.cuda.is_available() else "cpu"},
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError) as error:
        raise _unavailable(place, error) from error


def compute_dtype() -> Any:
    """torch.bfloat16 on a GPU that has it, else torch.float32."""
    import torch

    return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def _attention() -> str:
    """FlashAttention where its package is installed and can run, else PyTorch's own (SDPA), which chooses by itself."""
    import torch
    from transformers.utils import is_flash_attn_2_available

    usable = torch.cuda.is_available() and compute_dtype() is torch.bfloat16 and is_flash_attn_2_available()
    return "flash_attention_2" if usable else "sdpa"


def _four_bits() -> Any:
    from transformers import BitsAndBytesConfig

    # It looks for a faster CPU kernel on a hub, and warns that there is none; torch's own does the work.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype(),
    )


def dequantize(model: Any) -> Any:
    """The same model with its four-bit weights written out, on a CPU that has the memory: the values are those that
    the four bits stand for, and are not unpacked again at every use (measured on nano-coder: 1.6 times the speed)."""
    import psutil

    if not getattr(model, "is_loaded_in_4bit", False):
        return model
    dense = 4 * model.num_parameters()
    if model.device.type != "cpu" or dense > DENSE_SHARE * psutil.virtual_memory().total:
        return model
    return model.dequantize()


def _unavailable(base_model: str, error: Exception) -> NocturneError:
    reason = " ".join(str(error).split())[:200]
    return NocturneError(
        f"The base model `{base_model}` cannot be loaded: {reason}",
        "Set training.base_model in params.local.yaml to data/models/nano-coder, to a folder, or to a model that "
        "`hf download` has fetched.",
    )
