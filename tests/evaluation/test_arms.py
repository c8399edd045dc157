"""The arms on a model that is a few lines long: what they share, what they are asked, what is kept."""

from typing import get_args

from conftest import Vocabulary
from night_files import CONFIG, examples

from pipelines import progress
from pipelines.config.schema import Metric
from pipelines.evaluation.arms import ARMS, measure_arm
from pipelines.evaluation.charts import draw_arms_chart, draw_loss_chart
from pipelines.evaluation.eval_set import translate_progress
from pipelines.evaluation.metric_specs import MEASURES
from pipelines.evaluation.report import build_report, verdict
from pipelines.evaluation.summary import summarise

PNG = b"\x89PNG\r\n\x1a\n"


class Fake:
    """Bits by length: the adapter saves a tenth, a passage a twentieth; it writes what it is asked for when adapted."""

    def __init__(self, saves=0.1, adapted=True):
        self.saves, self.adapted, self.scored, self.generated = saves, adapted, [], []

    def score(self, pairs, *, adapted):
        self.scored.append((adapted, list(pairs)))
        return [len(c) * (1 - self.saves * adapted) * (0.95 if p.startswith("[ctx]") else 1) for p, c in pairs]

    def generate(self, prompts, max_new_tokens, *, adapted=True):
        self.generated.append((adapted, len(prompts)))
        return ["pass" if adapted else "return (" for _ in prompts]


def measured(model):
    holdout = examples()
    prompts = {False: [e["prompt"] for e in holdout], True: ["[ctx]" + e["prompt"] for e in holdout]}
    records = measure_arm(model, holdout, prompts, {}, CONFIG)
    return records, {"base_model": "any", "context_passages": 2, "with_passages": 15, **summarise(records, CONFIG)}


def test_arms_differ_in_the_adapter_and_the_passages_alone():
    model = Fake()
    measured(model)
    plain = [sorted(pairs) for adapted, pairs in model.scored if not pairs[0][0].startswith("[ctx]")]
    assert len(model.scored) == len(ARMS)
    assert plain[0] == plain[1]
    assert {adapted for adapted, _ in model.scored} == {True, False}
    assert model.generated == [(False, 3), (False, 3), (True, 3), (True, 3)]


def test_a_night_that_trained_nothing_has_the_arms_of_the_base_model_and_says_so():
    records, evaluation = measured(Fake(adapted=False))
    assert set(evaluation["arms"]) == set(records[0]["bits"]) == {"base", "base+rag"}
    assert set(evaluation["gains"]) == {"base+rag_vs_base"}
    assert evaluation["arm"] == "base"
    assert verdict(evaluation)[0].startswith("Nothing was trained")
    charts = {"arms": draw_arms_chart(evaluation), "loss": draw_loss_chart([])}
    page = build_report("demo", {**evaluation, "retrieval": {}}, records, [], charts)
    assert "base+rag" in page
    assert "adapter+rag" not in page


def test_every_example_has_bits_of_every_arm_and_some_have_text():
    records, evaluation = measured(Fake())
    assert all(set(record["bits"]) == set(ARMS) for record in records)
    assert sum("generated" in record for record in records) == evaluation["generated"] == 3


def test_the_known_gain_comes_out():
    _, evaluation = measured(Fake())
    assert evaluation["gains"]["adapter_vs_base"]["value"] == 0.1
    assert evaluation["gains"]["base+rag_vs_base"]["value"] == 0.05
    assert evaluation["gains"]["adapter+rag_vs_adapter"]["value"] == 0.05
    assert set(evaluation["by_task"]) == {"explain", "implement", "fim"}
    assert evaluation["by_language"]["python"]["examples"] == 15
    assert verdict(evaluation) == (
        "The adapter needs 10.0% fewer bits than the base model (95% interval 10.0 to 10.0%).",
        "good",
    )


def test_only_arms_without_passages_answer_in_other_words_and_are_held_against_themselves():
    model, holdout = Fake(), examples()
    prompts = {False: [e["prompt"] for e in holdout], True: ["[ctx]" + e["prompt"] for e in holdout]}
    other = [None if e["mode"] != "chat" else "in other words" for e in holdout]
    records = measure_arm(model, holdout, prompts, {}, CONFIG, reworded=other)
    asked = {e["example_id"] for e in holdout if e["mode"] == "chat"}
    told = [record for record in records if "consistency" in record.get("metrics", {}).get("adapter", {})]
    assert told
    assert {record["example_id"] for record in told} <= asked
    for record in told:
        assert record["metrics"]["base"]["consistency"] == record["metrics"]["adapter"]["consistency"] == 1
        assert "consistency" not in record["metrics"]["adapter+rag"]
    assert [count for _, count in model.generated] == [3, len(told), 3, 3, len(told), 3]


def test_no_gain_and_harm_are_said_plainly():
    assert verdict(measured(Fake(saves=0.0))[1])[1] == "odd"
    words, tone = verdict(measured(Fake(saves=-0.2))[1])
    assert (tone, "20.0% more bits" in words) == ("bad", True)


def test_every_metric_that_params_may_name_is_defined():
    assert tuple(MEASURES) == get_args(Metric)


def test_a_meter_runs_from_start_to_end():
    steps = []
    with progress.show_progress(steps.append):
        measured(Fake())
    assert steps[-1].done == steps[-1].total == 4 * (15 + 3)
    assert "adapter+rag" in steps[-1].note


def test_charts_are_the_same_bytes_again():
    _, evaluation = measured(Fake())
    log = [{"step": step, "loss": 3 / step} for step in range(1, 50)]
    assert draw_arms_chart(evaluation) == draw_arms_chart(evaluation)
    assert draw_loss_chart(log) == draw_loss_chart(log)
    assert draw_arms_chart(evaluation).startswith(PNG)
    assert draw_loss_chart([]).startswith(PNG)


def test_the_page_holds_its_charts_and_escapes_what_models_write():
    records, evaluation = measured(Fake())
    shown = next(record for record in records if "generated" in record)
    shown["generated"]["adapter"] = "<script>alert('x')</script>"
    page = build_report(
        "demo",
        {**evaluation, "retrieval": {}},
        records,
        [],
        {"arms": draw_arms_chart(evaluation), "loss": draw_loss_chart([])},
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page
    assert page.count("data:image/png;base64,") == 2


def test_a_champion_on_another_base_is_asked_in_its_own_format():
    class Tokenizer(Vocabulary):
        def __init__(self, *tokens):
            self.known = tokens

        def apply_chat_template(self, turns, tokenize, add_generation_prompt):
            return f"USER {turns[0]['content']} ASSISTANT"

    qwen = Tokenizer("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|endoftext|>")
    star = Tokenizer("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>")
    fim = {"mode": "spm", "prompt": "<|fim_suffix|>b<|fim_prefix|>a<|fim_middle|>"}
    assert translate_progress(fim, qwen, star) == "<fim_suffix>b<fim_prefix>a<fim_middle>"
    assert translate_progress({"mode": "chat", "request": "hi", "prompt": "?"}, qwen, star) == "USER hi ASSISTANT"
