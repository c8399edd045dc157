"""What is read of a snapshot, told without opening a file: by path, size and what the repository's attributes say."""

from dataclasses import dataclass

from pipelines.config.schema import Cleaning, Extraction, Params
from pipelines.extraction.cache import Cache, Entry
from pipelines.records.snapshot import Item, TrackedFile
from pipelines.source import generated, skip_rules, vendored
from pipelines.source.skip_rules import Reason
from pipelines.syntax.languages import Language, language_of


@dataclass(frozen=True)
class Accepted:
    """A file to be read.

    Attributes:
        file: from snapshot.json.
        language: by its name.
        params: under which it is parsed: `generated` is "read" where an attribute says that the file is not.
        cleaning: under which it is cleaned.
        entry: where the cache keeps what was parsed.
    """

    file: TrackedFile
    language: Language
    params: Extraction
    cleaning: Cleaning
    entry: Entry


class FileFilter:
    """Decides about the files of one run."""

    def __init__(self, cache: Cache, params: Params) -> None:
        self._cleaning = params.cleaning
        self._params = params.extraction
        self._written = self._params.model_copy(update={"generated": "read"})
        self._keys = {each.generated: cache.key(each) for each in (self._params, self._written)}

    def of(self, item: Item) -> Accepted | Reason:
        """Whether an item of snapshot.json (`files` and `skipped`) is read, or why not."""
        if "blob" not in item:
            return Reason(item["reason"], item["rule"])
        attributes = item["attributes"]
        unwanted = self._unwanted(item["path"], attributes)
        if unwanted is not None:
            return unwanted
        language = language_of(item["path"])
        if language is None:
            return skip_rules.is_binary_name(item["path"])
        size, most = item["size"], self._params.max_data_kb
        too_large = skip_rules.is_too_much_data(size, language.name, most) if language.data else None
        too_large = too_large or skip_rules.is_too_large(size, self._params.max_file_kb)
        if too_large is not None:
            return too_large
        params = self._params if attributes.get("generated", True) else self._written
        name = f"{language.name}-{item['blob']}.{params.generated}"
        return Accepted(item, language, params, self._cleaning, Entry(name, self._keys[params.generated]))

    def _unwanted(self, path: str, attributes: dict[str, bool]) -> Reason | None:
        rules = {"generated": generated.by_name, "vendored": vendored.by_path}
        for kind, rule in rules.items():
            if getattr(self._params, kind) == "read":
                continue
            if attributes.get(kind):
                return Reason(f"{kind}: .gitattributes sets linguist-{kind}", f"linguist-{kind}")
            if kind not in attributes and (found := rule(path)) is not None:
                return found
        return None
