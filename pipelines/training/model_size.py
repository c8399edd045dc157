"""How large a base model is, read from its configuration before any weight is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config.schema import Training
from pipelines.errors import NocturneError
from pipelines.lm.base_model import locate_model


@dataclass(frozen=True)
class ModelSize:
    """The sizes that decide what a training takes.

    Attributes:
        parameters: all weights, tied ones counted once.
        linear: those in linear layers, which four bits shrink; the output projection stays as it is.
        trainable: those that are trained in the chosen mode.
        largest: the largest linear layer's, which is unpacked as a whole.
        stored: the precision of its files, as torch names it.
        layers, hidden, intermediate, vocabulary, positions: as the configuration names them.
    """

    parameters: int
    linear: int
    trainable: int
    largest: int
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    positions: int
    stored: str = "float32"


def model_size_of(params: Training, workspace: Path) -> ModelSize:
    """The base model's shape under some settings.

    Raises:
        NocturneError: the model is not to be had, or `training.targets` names none of its layers.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(locate_model(params.base_model, workspace), trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NocturneError(
            f"The base model `{params.base_model}` cannot be read: {reason}",
            "Set training.base_model in params.local.yaml to data/models/nano-coder, to a folder, or to a model that "
            "`hf download` has fetched.",
        ) from error
    return measure_model(config, params)


def measure_model(config: Any, params: Training) -> ModelSize:
    """The shape that a transformers configuration describes; the model is built on torch's meta device, without memory.

    Raises:
        NocturneError: `training.targets` names none of its layers.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    head = model.get_output_embeddings()
    linear = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }
    text = config.get_text_config()
    parameters = model.num_parameters()
    return ModelSize(
        parameters=parameters,
        linear=sum(module.weight.numel() for module in linear.values()),
        trainable=_trainable(linear, parameters, params),
        largest=max((module.weight.numel() for module in linear.values()), default=0),
        layers=int(text.num_hidden_layers),
        hidden=int(text.hidden_size),
        intermediate=int(getattr(text, "intermediate_size", None) or 4 * text.hidden_size),
        vocabulary=int(text.vocab_size),
        positions=int(text.max_position_embeddings),
        stored=str(config.dtype or "float32").removeprefix("torch."),
    )


def _trainable(linear: dict[str, Any], parameters: int, params: Training) -> int:
    if params.mode in ("full", "none"):
        return parameters if params.mode == "full" else 0
    targeted = [module for name, module in linear.items() if _is_target(name, params.targets)]
    if not targeted:
        raise NocturneError(
            f"training.targets is {params.targets!r}, which names no linear layer of {params.base_model}.",
            f"Use all-linear, or some of {', '.join(sorted({name.rsplit('.', 1)[-1] for name in linear}))}.",
        )
    magnitudes = sum(module.out_features for module in targeted) if params.use_dora else 0
    return magnitudes + params.rank * sum(module.in_features + module.out_features for module in targeted)


def _is_target(name: str, targets: str | list[str]) -> bool:
    """As PEFT reads `target_modules`: a list of names' ends, or one regular expression over the whole name."""
    import re

    if targets == "all-linear":
        return True
    if isinstance(targets, str):
        return re.fullmatch(targets, name) is not None
    return any(name == target or name.endswith(f".{target}") for target in targets)
