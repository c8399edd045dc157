"""What a model said before to the same question: an arm that has not changed costs nothing the next night.

A call is kept whole, not text by text: which texts share a batch changes the low bits of a float32 result, so a part of
a call taken from the cache would give other bytes than the call made anew.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.config.schema import Params
from pipelines.evaluation.arms import Model
from pipelines.lm.base_model import model_identity
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, tree_sha256, write_json

LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")


class CachedModel:
    """A model whose answers are kept in a folder, one file a call; as `Model`.

    Args:
        base, adapter: what identifies each; the adapter does not enter what is asked of the base alone.
    """

    def __init__(self, model: Model, folder: Path, base: str, adapter: str) -> None:
        self._model, self._folder = model, folder
        self._identity = {False: [base], True: [base, adapter]}
        self._asked: set[str] = set()

    @property
    def adapted(self) -> bool:
        """As the model's own."""
        return self._model.adapted

    def score(self, pairs: Sequence[tuple[str, str]], *, adapted: bool) -> list[float]:
        """As the model's own."""
        file = self._file("score", adapted, [list(pair) for pair in pairs])
        if not file.is_file():
            write_json(file, self._model.score(pairs, adapted=adapted))
        found: list[float] = read_json(file)
        return found

    def generate(self, prompts: Sequence[str], max_new_tokens: int, *, adapted: bool = True) -> list[str]:
        """As the model's own."""
        file = self._file("generate", adapted, [list(prompts), max_new_tokens])
        if not file.is_file():
            write_json(file, self._model.generate(prompts, max_new_tokens, adapted=adapted))
        found: list[str] = read_json(file)
        return found

    def forget_others(self) -> None:
        """Delete what this model was not asked, and what was half written when an evaluation was killed."""
        kept = {f"{key}.json" for key in self._asked}
        for file in self._folder.glob("*"):
            if file.name not in kept:
                file.unlink()

    def _file(self, what: str, adapted: bool, asked: Any) -> Path:
        key = fingerprint(what, self._identity[adapted], asked)
        self._asked.add(key)
        return self._folder / f"{key}.json"


def cache_results(
    model: Model, project: Project, params: Params, base_model: str, adapter: Path, who: str
) -> CachedModel:
    """The model with its answers kept in the project's cache.

    Args:
        who: candidate or champion; each forgets its own answers.
    """
    code = Path(__file__).parents[1] / "lm"
    modules = ("base_model.py", "causal.py", "adapter_manifest.py", "prompts.py", "tokenize.py")
    files = [[name, file_sha256(code / name)] for name in modules]
    made_by = [*files, *([name, version(name)] for name in LIBRARIES), params.training.threads, _device()]
    base = fingerprint(base_model, model_identity(base_model, project.workspace), made_by)
    return CachedModel(model, project.cache / "evaluation" / who, base, tree_sha256(adapter))


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
