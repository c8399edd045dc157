"""The sample: every task in its share, and hardly another one tomorrow."""

from pipelines.evaluation.sample import sample, share_counts


def holdout(counts):
    return [{"example_id": f"{task}{n:04d}", "task": task} for task, count in counts.items() for n in range(count)]


def ids(examples):
    return {example["example_id"] for example in examples}


def test_tasks_keep_their_share():
    taken = sample(holdout({"explain": 100, "implement": 100, "fim": 800}), 100, 17)
    counts = {task: sum(example["task"] == task for example in taken) for task in ("explain", "implement", "fim")}
    assert counts == {"explain": 10, "implement": 10, "fim": 80}


def test_a_rare_task_is_there_at_least_once():
    assert share_counts({"rare": 1, "common": 999}, 10) == {"rare": 1, "common": 9}
    assert sum(share_counts({"a": 5, "b": 5, "c": 5}, 2).values()) == 2


def test_a_small_holdout_is_taken_whole():
    examples = holdout({"explain": 3, "fim": 4})
    assert ids(sample(examples, 200, 17)) == ids(examples)


def test_the_order_of_the_file_does_not_matter():
    examples = holdout({"explain": 50, "fim": 50})
    assert sample(examples, 20, 17) == sample(examples[::-1], 20, 17)


def test_a_few_more_examples_change_a_few():
    examples = holdout({"explain": 300, "fim": 300})
    grown = [*examples, *({"example_id": f"new{n}", "task": "fim"} for n in range(12))]
    assert len(ids(sample(examples, 100, 17)) & ids(sample(grown, 100, 17))) >= 94


def test_a_smaller_sample_is_part_of_a_larger_one():
    examples = holdout({"explain": 300, "fim": 300})
    assert ids(sample(examples, 20, 17)) < ids(sample(examples, 100, 17))


def test_another_seed_is_another_sample():
    examples = holdout({"explain": 300, "fim": 300})
    assert ids(sample(examples, 50, 1)) != ids(sample(examples, 50, 2))


def test_nothing_wanted_is_nothing_taken():
    assert sample(holdout({"explain": 5}), 0, 17) == []
