"""The rules of `nocturne recommend`, on machines and datasets that are made up."""

from dataclasses import replace

import pytest
from conftest import ROOT

from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.training.hardware import GB, Machine
from pipelines.training.recommend import BUNDLED, Seen, format_advice, recommend

PARAMS = load_params(ROOT)
CPU = Machine("the CPU", False, False, int(24 * GB), int(20 * GB), 1e11, 0.9 * GB)
GPU = Machine("a GPU", True, True, int(80 * GB), int(79 * GB), 2e14, 0.6 * GB)
DATA = Seen(examples=4000, tokens=1_300_000, longest=768, pairs=0)
QWEN = "Qwen/Qwen2.5-Coder-{}-Instruct".format


def advised(machine, found=DATA):
    rows = recommend(PARAMS, ROOT, machine, found)
    return {row.setting: row.value for row in rows}, {row.setting: row.why for row in rows}


def test_a_cpu_keeps_the_bundled_model_and_says_how_long_the_larger_ones_would_take():
    values, why = advised(CPU)
    assert values["training.base_model"] == BUNDLED
    assert values["training.mode"] == "qlora"
    assert "would take" in why["training.base_model"]


@pytest.mark.parametrize(("free", "base", "mode"), [(79, "7B", "lora"), (11.5, "7B", "qlora"), (5, "1.5B", "qlora")])
def test_a_gpu_gets_the_largest_model_that_fits_in_four_bits_and_no_four_bits_where_there_is_room(free, base, mode):
    values, _ = advised(replace(GPU, free=int(free * GB)))
    assert values["training.base_model"] == QWEN(base)
    assert values["training.mode"] == mode
    assert values["training.learning_rate"] == 0.0002


def test_a_dataset_as_large_as_the_model_is_worth_all_its_weights():
    values, why = advised(CPU, replace(DATA, tokens=30_000_000, examples=90_000))
    assert values["training.mode"] == "full"
    assert values["training.learning_rate"] == 0.0002
    assert "30.0M tokens" in why["training.mode"]


def test_too_few_examples_are_for_the_index_alone():
    values, why = advised(CPU, replace(DATA, examples=5, tokens=900))
    assert values == {"training.mode": "none"}
    assert "5 examples" in why["training.mode"]


def test_a_training_that_lost_is_not_advised_again():
    lost = replace(DATA, gain={"value": -0.02, "low": -0.04, "high": -0.01}, trained=(BUNDLED, "qlora"))
    values, why = advised(CPU, lost)
    assert values["training.mode"] == "none"
    assert "lost 2.0%" in why["training.mode"]
    won = replace(lost, gain={"value": 0.11, "low": 0.08, "high": 0.15})
    assert "gained +11.0%" in advised(CPU, won)[1]["training.mode"]


def test_pairs_switch_preference_tuning_on():
    assert advised(CPU, replace(DATA, pairs=250))[0]["training.min_preferences"] == 100


def test_a_machine_in_which_nothing_fits_is_told_so():
    with pytest.raises(NocturneError, match="No base model fits") as error:
        advised(replace(CPU, free=int(0.5 * GB)))
    assert "none" in error.value.next_step


def test_what_is_to_be_changed_is_marked():
    lines = format_advice(recommend(PARAMS, ROOT, replace(GPU, free=int(5 * GB)), DATA))
    assert lines[0].startswith("→ training.base_model")
    assert any(line.startswith("✓ training.mode") for line in lines)
