"""The settings of training."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.config.modes import Mode, current_name
from pipelines.config.schema.section import Count, CountOrZero, Section, Share, Text


class Training(Section):
    """How a base model is trained; the names are those of PEFT, TRL and transformers.

    `nocturne recommend` proposes values for this machine and dataset.
    """

    mode: Mode = Field(
        description="`qlora` (base model in 4 bits), `lora` (full precision), `full` (all weights) or `none`. "
        "With `none` nothing is trained: a release is an index for the base model. "
        "Former names such as LOCAL_LORA are understood; `nocturne migrate` rewrites them."
    )
    base_model: Text = Field(
        description="A folder, or a Hugging Face causal model fetched with `hf download`. "
        "For a GPU with 12 GB: Qwen/Qwen2.5-Coder-1.5B-Instruct, with `training.learning_rate: 0.0002`."
    )
    rank: Count = Field(
        description="Rank of the LoRA matrices. A higher rank learns more, needs more memory and overfits sooner."
    )
    alpha: Count = Field(description="Scale of the adapter: its update is multiplied by alpha / rank.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="Share of the adapter's inputs dropped in training, 0 to below 1. Raise it against overfitting."
    )
    targets: str | list[str] = Field(
        description="Layers that get an adapter: `all-linear`, or a list of module names as in PEFT."
    )
    use_rslora: bool = Field(description="Scale by alpha / sqrt(rank) instead. Better for high ranks, such as 64.")
    use_dora: bool = Field(
        description="Learn direction and magnitude apart (DoRA). Slower, and sometimes better at low ranks."
    )
    warm_start: bool = Field(
        description="Start from the champion's adapter instead of an empty one. "
        "Only where it fits, and learned no file that is held out now."
    )
    learning_rate: Annotated[float, Field(gt=0)] = Field(
        description="Peak learning rate: 0.002 for nano-coder, 0.0002 from 1B parameters on. "
        "With mode full, use a tenth of these."
    )
    warmup_share: Share = Field(
        description="Share of the steps in which the learning rate rises, 0 to 1. Then it falls as a cosine."
    )
    epochs: Annotated[float, Field(gt=0)] = Field(
        description="Passes over the training examples at most; `training.max_steps` may end it sooner."
    )
    max_steps: Count = Field(
        description="Optimizer steps at most; `training.epochs` may end it sooner. "
        "With nano-coder, 300 steps take about six minutes on two CPU cores."
    )
    batch_size: Count = Field(
        description="Examples for each optimizer step. How many go through at once is chosen by the free memory."
    )
    early_stopping_patience: CountOrZero = Field(
        description="Stop after so many checkpoints without a lower loss; 0 = off. "
        "The loss is that of a twentieth of the training files, which is then not trained on."
    )
    min_new_tokens: CountOrZero = Field(
        description="Skip training with fewer tokens that the live release has not learned; 0 = off. "
        "The index is released all the same."
    )
    min_preferences: CountOrZero = Field(
        description="Preference tuning (DPO) follows from so many preference pairs on; 0 = off."
    )
    checkpoint_steps: Count = Field(
        description="Steps between two checkpoints. A night that crashed continues from the last one."
    )
    processes: int | Literal["auto"] = Field(
        description="Training processes: `auto` (one for each visible GPU, or one on a CPU), or a number from 1. "
        "They share each step, so the number must divide `training.batch_size`."
    )
    threads: Count = Field(
        description="CPU threads of all processes together. "
        "The number is fixed because another one makes an adapter with other bits."
    )
    seed: int = Field(description="Seed of the training. Change it to see how much depends on luck.")

    @field_validator("mode", mode="before")
    @classmethod
    def _former_names_count(cls, value: Any) -> Any:
        return current_name(value)

    @field_validator("targets", mode="before")
    @classmethod
    def _is_a_name_or_a_list(cls, value: Any) -> Any:
        if not isinstance(value, str | list):
            raise ValueError("must be all-linear, or a list of module names")
        return value

    @field_validator("processes", mode="before")
    @classmethod
    def _is_a_count_or_auto(cls, value: Any) -> Any:
        if value != "auto" and (type(value) is not int or value < 1):
            raise ValueError("must be auto, or a whole number from 1")
        return value

    @model_validator(mode="after")
    def _processes_share_a_batch(self) -> "Training":
        if self.processes != "auto" and self.batch_size % self.processes:
            raise ValueError(
                f"training.batch_size ({self.batch_size}) must be a multiple of training.processes ({self.processes})"
            )
        return self
