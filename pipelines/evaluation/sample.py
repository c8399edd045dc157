"""Which held-out examples are measured: a share of each task, chosen so that it hardly changes overnight."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypedDict, TypeVar

from pipelines.encoder.known_item_queries import rank_of


class Sampled(TypedDict):
    """An example as far as it is asked for here."""

    example_id: str
    task: str


E = TypeVar("E", bound=Sampled)


def sample(examples: Sequence[E], limit: int, seed: int) -> list[E]:
    """At most `limit` examples, each task in its share of them and at least once where there is room.

    Within a task the order is by a hash of seed and example_id, and the first ones are taken: a new file moves a few
    examples in and as many out, and a smaller sample is part of a larger one.
    """
    tasks: dict[str, list[E]] = defaultdict(list)
    for example in sorted(examples, key=lambda example: rank_of(example["example_id"], seed)):
        tasks[example["task"]].append(example)
    quotas = share_counts({task: len(found) for task, found in tasks.items()}, limit)
    taken = [example for task in sorted(tasks) for example in tasks[task][: quotas[task]]]
    return sorted(taken, key=lambda example: rank_of(example["example_id"], seed))


def share_counts(sizes: dict[str, int], limit: int) -> dict[str, int]:
    """Split `limit` in proportion to sizes (largest remainder), none above its size, none at 0 while there is room."""
    total = sum(sizes.values())
    if total <= limit:
        return dict(sizes)
    exact = {name: limit * size / total for name, size in sizes.items()}
    quotas = {name: int(value) for name, value in exact.items()}
    by_need = sorted(sizes, key=lambda name: (quotas[name] > 0, quotas[name] - exact[name], name))
    for name in by_need[: limit - sum(quotas.values())]:
        quotas[name] += 1
    return quotas
