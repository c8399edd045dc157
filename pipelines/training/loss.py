"""TRL's trainer with the loss of completions alone, for devices on which TRL also works on the prompts."""

from typing import Any

from trl.models.utils import _ForwardRedirection

from pipelines.training.sampler import OrderedTrainer
from pipelines.training.tokenize import IGNORED


class CompletionTrainer(OrderedTrainer):
    """A trainer that projects only the positions which have a label to the vocabulary.

    TRL does that where Triton runs; elsewhere it projects every position, prompts and padding included, and drops most
    of the result (trl 1.16, `add_fused_lm_head`). The loss is the same; on a CPU a step on this project's own dataset
    takes half the time. A model that changes its logits after the projection keeps TRL's way.
    """

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean negative log-likelihood of the labelled tokens, in nats; of several processes the mean is the update's.

        Args:
            inputs: `input_ids` and `labels`, (batch, length), padded on the right, out of a causal model's sight.
            num_items_in_batch: labelled tokens over all batches of one update, those of the other processes included.
        """
        own = self.accelerator.unwrap_model(model)
        base = own.get_base_model() if hasattr(own, "get_base_model") else own
        if getattr(base.config, "final_logit_softcapping", None) or getattr(base.config, "logit_scale", None):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        # Through the forward of what wraps the model: there several processes agree to sum their gradients.
        total, count = _ForwardRedirection()(model, own, _summed, base, inputs["input_ids"], inputs["labels"])
        if num_items_in_batch is None:
            return total / count
        return total / num_items_in_batch * self.accelerator.num_processes  # whose mean the gradient becomes


def _summed(base: Any, ids: Any, labels: Any) -> tuple[Any, Any]:
    """(the labelled tokens' negative log-likelihood in nats, their number)."""
    from torch.nn.functional import cross_entropy

    wanted = labels[:, 1:]
    labelled = wanted != IGNORED
    hidden = base.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    logits = base.get_output_embeddings()(hidden[labelled]).float()
    return cross_entropy(logits, wanted[labelled], reduction="sum"), labelled.sum()
