"""Before anything is loaded: what a training takes, which batch fits, and what is refused with its figures."""

import math
from dataclasses import replace

import pytest
from conftest import NANO_CODER, ROOT

from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.lm.base_model import load_tokenizer
from pipelines.training import preflight
from pipelines.training.hardware import GB, Machine, keep_rate, this_machine, with_measured_rate
from pipelines.training.model_size import model_size_of
from pipelines.training.preflight import Load, Plan

CPU = Machine("the CPU", False, False, int(24 * GB), int(20 * GB), 1e11, 0.9 * GB)
GPU = Machine("a GPU", True, True, int(12.6 * GB), int(12 * GB), 1e14, 0.6 * GB)
LOAD = Load(longest=768, labelled=256, tokens_per_step=5000, steps=100)
NIGHT = load_params(ROOT).training


@pytest.fixture(scope="module")
def nano():
    return model_size_of(NIGHT, ROOT)


@pytest.fixture(scope="module")
def coder():
    """Qwen2.5-Coder-1.5B as its own configuration has it; nothing is downloaded."""
    from pipelines.training.recommend import _shape

    return _shape(NIGHT, "Qwen/Qwen2.5-Coder-1.5B-Instruct", ROOT)


def whole(shape):
    """The same model with all its weights trained."""
    return replace(shape, trainable=shape.parameters)


def test_the_shape_is_read_without_the_weights(nano, coder):
    from safetensors import safe_open

    with safe_open(NANO_CODER / "model.safetensors", "pt") as file:
        stored = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - no mapping
    assert nano.parameters == stored
    assert coder.parameters == 1_543_714_304
    assert (coder.layers, coder.hidden, coder.vocabulary) == (28, 1536, 151936)


def test_trained_weights_are_counted_as_peft_counts_them(nano):
    from pipelines.training.setup_model import make_trainable

    model = make_trainable(NIGHT, ROOT, None)
    assert nano.trainable == sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def test_a_whole_batch_goes_through_at_once_where_it_fits(nano):
    plan = preflight.make_plan(nano, NIGHT, CPU, LOAD)
    assert plan == Plan(16, 1, "fp32", checkpointing=False)


@pytest.mark.parametrize("free", [2.5, 2.0, 1.5, 1.2])
def test_less_memory_makes_smaller_parts_of_the_same_batch(nano, free):
    machine = replace(CPU, free=int(free * GB))
    plan = preflight.make_plan(nano, NIGHT, machine, LOAD)
    assert plan.micro_batch * plan.accumulation == 16
    assert plan.micro_batch < 16
    assert preflight.estimate_memory(nano, NIGHT, machine, LOAD, plan) <= free * GB


def test_processes_share_a_batch_the_memory_and_the_time(nano):
    plan = preflight.make_plan(nano, NIGHT, replace(CPU, processes=4), LOAD)
    assert plan == Plan(4, 1, "fp32", checkpointing=False, processes=4)
    alone = Plan(4, 1, "fp32", checkpointing=False)
    summed = preflight.estimate_memory(nano, NIGHT, CPU, LOAD, plan) - preflight.estimate_memory(
        nano, NIGHT, CPU, LOAD, alone
    )
    assert summed == pytest.approx(4 * nano.trainable, abs=1)
    quarter = preflight.estimate_seconds(nano, NIGHT, CPU, LOAD, alone) / 4
    assert preflight.estimate_seconds(nano, NIGHT, CPU, LOAD, plan) == pytest.approx(quarter)
    assert [
        p.micro_batch * p.accumulation
        for p in (plan, plan.with_half_micro_batch(), plan.with_half_micro_batch().with_half_micro_batch())
    ] == [4, 4, 4]


def test_a_batch_that_processes_cannot_share_is_refused(nano):
    with pytest.raises(NocturneError, match="batch_size is 16, which 3 processes cannot share equally") as error:
        preflight.make_plan(nano, NIGHT, replace(CPU, processes=3), LOAD)
    assert "multiple of 3" in error.value.next_step


def test_processes_that_do_not_fit_together_are_told_how_much_each_has(nano):
    with pytest.raises(NocturneError, match=r"0\.5 of 24\.0 GB are free on the CPU for each of 4 processes") as error:
        preflight.make_plan(nano, NIGHT, replace(CPU, free=int(0.5 * GB), processes=4), LOAD)
    assert "fewer training.processes" in error.value.next_step


def test_the_processes_on_a_cpu_share_its_memory():
    one, two = this_machine(2), this_machine(2, processes=2)
    assert (one.processes, two.processes) == (1, 2)
    assert two.free < 0.75 * one.free
    assert two.total == one.total


def test_what_cannot_fit_is_refused_with_figures_and_what_would_be_smaller(coder):
    with pytest.raises(NocturneError) as error:
        preflight.make_plan(whole(coder), NIGHT.model_copy(update={"mode": "full"}), GPU, LOAD)
    assert "1,544M parameters" in error.value.fact
    assert "12.0 of 12.6 GB are free on a GPU" in error.value.fact
    assert "training.mode lora or qlora" in error.value.next_step


def test_four_bits_let_a_model_fit_where_it_would_not_without(coder):
    small = replace(GPU, free=int(4 * GB))
    assert preflight.make_plan(coder, NIGHT, small, LOAD).precision == "bf16"
    modes = {"qlora": coder, "lora": coder, "full": whole(coder)}
    plan = Plan(1, 16, "bf16", checkpointing=True)
    needed = [
        preflight.estimate_memory(shape, NIGHT.model_copy(update={"mode": mode}), GPU, LOAD, plan)
        for mode, shape in modes.items()
    ]
    assert needed == sorted(needed)
    assert needed[0] < 4 * GB < needed[2]


def test_halving_ends_at_one_example():
    plan, sizes = Plan(12, 1, "fp32", False), []
    while plan is not None:
        sizes.append((plan.micro_batch, plan.accumulation))
        plan = plan.with_half_micro_batch()
    assert sizes == [(12, 1), (6, 2), (4, 3), (3, 4), (2, 6), (1, 12)]


def test_a_disk_without_room_for_checkpoints_is_refused(tmp_path, nano):
    with pytest.raises(NocturneError, match=r"writes about .* GB of checkpoints"):
        preflight.check_disk(tmp_path, replace(nano, trainable=10**15), NIGHT)


def test_targets_that_name_no_layer_are_refused_with_those_that_exist():
    with pytest.raises(NocturneError, match=r"names no linear layer") as error:
        model_size_of(NIGHT.model_copy(update={"targets": ["query"]}), ROOT)
    assert "q_proj" in error.value.next_step


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (None, "has no chat template"),
        ("{% for m in messages %}<|turn|>{{ m['content'] }}{% endfor %}", r"writes <\|turn\|>, which is no token"),
        ("{{ bos_token }}Assistant:", "leaves the request out"),
        ("{{ raise_exception('only one system turn') }}", "cannot be used: only one system turn"),
    ],
)
def test_a_template_that_does_not_match_the_tokenizer_is_refused(template, fault):
    tokenizer = load_tokenizer(str(NANO_CODER), ROOT)
    preflight.check_template(tokenizer, "nano-coder")
    tokenizer.chat_template = template
    with pytest.raises(NocturneError, match=fault):
        preflight.check_template(tokenizer, "nano-coder")


def test_after_a_training_the_time_is_what_it_reached(nano, tmp_path):
    plan = preflight.make_plan(nano, NIGHT, CPU, LOAD)
    keep_rate(tmp_path, CPU.name, 2, preflight.rate_reached(nano, NIGHT, plan, tokens_per_second=4000))
    known = with_measured_rate(CPU, tmp_path, 2)
    expected = LOAD.tokens_per_step * LOAD.steps / 4000
    assert preflight.estimate_seconds(nano, NIGHT, known, LOAD, plan) == pytest.approx(expected)
    assert with_measured_rate(CPU, tmp_path, 4) == with_measured_rate(CPU, tmp_path / "other", 2) == CPU
    assert with_measured_rate(GPU, tmp_path, 2) == GPU
    shared = replace(CPU, processes=2)
    assert with_measured_rate(shared, tmp_path, 2) == shared
