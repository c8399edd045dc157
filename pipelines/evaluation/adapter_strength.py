"""How strong the adapter should be: its gain at parts of its scale. Told and not judged by, and on held-out examples
that the arms are not measured on, so that choosing by it would not spoil the exam.

Less than the whole can be better where what is asked differs from what was learned: it is the straight line between the
two models (WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903).
"""

from collections.abc import Sequence

from pipelines.config.schema import Evaluation
from pipelines.evaluation.arms import Meter, score_arms
from pipelines.evaluation.bootstrap import Bootstrap
from pipelines.evaluation.sample import sample
from pipelines.lm.causal import CausalLM
from pipelines.records.dataset import Example
from pipelines.records.evaluation import StrengthFigures

SCALES = (0.25, 0.5, 0.75, 1.0)
EXAMPLES = 24
MIN_EXAMPLES = 8  # fewer say nothing


def spare_strengths(holdout: Sequence[Example], config: Evaluation) -> list[Example]:
    """Held-out examples that the arms are not measured on; the next ones in the sample's own order."""
    taken = {example["example_id"] for example in sample(holdout, config.max_examples, config.seed)}
    left = [example for example in holdout if example["example_id"] not in taken]
    return sample(left, EXAMPLES, config.seed)


def measure_strengths(model: CausalLM, examples: Sequence[Example], config: Evaluation) -> StrengthFigures:
    """The gain over the base model at each scale, with its interval, and the best scale; {} for too few examples, and
    where what was learned is no adapter."""
    if len(examples) < MIN_EXAMPLES or not model.scales:
        return {}
    pairs = [(str(example["prompt"]), str(example["completion"])) for example in examples]
    meter = Meter((1 + len(SCALES)) * len(pairs))
    base = score_arms(model, pairs, False, meter, "scale 0")
    draws = Bootstrap([one["path"] for one in examples], config.bootstrap, config.confidence, config.seed)
    gains = {}
    for scale in SCALES:
        with model.scaled(scale):
            gains[f"{scale:g}"] = draws.gain(score_arms(model, pairs, True, meter, f"scale {scale:g}"), base).record()
    best = max(gains, key=lambda scale: (gains[scale]["value"] or 0.0, float(scale)))
    return {"examples": len(examples), "files": draws.files, "gains": gains, "best": best}
