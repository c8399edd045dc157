"""What kind of text a file is, by its name alone: Pygments' table of names, and what that lacks or says otherwise."""

from functools import cache, lru_cache
from mimetypes import MimeTypes

TEXT = "text"  # of every name that says nothing
LIBRARY = "pygments"
_KNOWN_AS = {"bash": "shell", "protobuf": "proto", "docker": "dockerfile", "pot": "gettext"}
# Pygments takes these for languages that hardly anyone uses, or does not know them.
_ENDINGS = {
    ".adoc": "asciidoc",
    ".avsc": "json",
    ".bazel": "python",
    ".cnf": "ini",
    ".conf": "ini",
    ".csv": "csv",
    ".dockerfile": "dockerfile",
    ".env": "ini",
    ".geojson": "json",
    ".gql": "graphql",
    ".inc": TEXT,
    ".j2": "jinja",
    ".jinja": "jinja",
    ".json5": "json",
    ".jsonc": "json",
    ".lock": "lock",
    ".mod": TEXT,
    ".pl": "perl",
    ".plist": "xml",
    ".pm": "perl",
    ".r": "r",
    ".rest": TEXT,
    ".s": "asm",
    ".sql": "sql",
    ".svg": "svg",
    ".t": TEXT,
    ".tfvars": "terraform",
    ".tmpl": TEXT,
    ".tsv": "tsv",
    ".webmanifest": "json",
}
_NAMES = {
    ".coveragerc": "ini",
    ".env": "ini",
    ".flake8": "ini",
    ".gitattributes": TEXT,
    ".pylintrc": "ini",
    "containerfile": "dockerfile",
    "dockerfile": "dockerfile",
    "jenkinsfile": "groovy",
    "justfile": "make",
    "pipfile": "toml",
}
DATA = frozenset(["csv", "json", "lock", "svg", "tsv", "xml"])  # often written by programs, and then large
# What people set or read, and no program of theirs: a search for code puts it behind code.
_WRITTEN = DATA | {"asciidoc", "gettext", "html", "ini", "properties", "toml", "yaml", TEXT}
DOCUMENTS = _WRITTEN | {"markdown", "restructuredtext"}
_SQL = "alter|analyze|begin|call|comment|commit|copy|create|declare|delete|do|drop|exec|execute|go|grant|insert|merge"
_SQL += "|refresh|rename|replace|revoke|select|set|truncate|update|use|values|with"
_CURLY = r"[^\s}/*].*\{"
# Kind → a pattern that the first line of a block matches from its beginning.
PATTERNS = {
    "css": _CURLY,
    "dockerfile": r"(?i:from)\s",
    "graphql": (
        r"(?:directive|enum|extend|fragment|input|interface|mutation|query|scalar|schema|subscription|type|union)\b"
    ),
    "ini": r"\[",
    "json": r'(?:  |    |\t)"',  # the keys of the outermost object, as it is usually written
    "less": _CURLY,
    "make": r"[^\s#:=][^:=]*::?(?!=)|define\s|ifn?(?:eq|def)\b",
    "nginx": _CURLY,
    "proto": r"(?:enum|extend|message|service)\b",
    "scss": _CURLY,
    "shell": r"function\s+[\w:.-]+|[\w:.-]+\s*\(\s*\)",
    "sql": rf"(?i:{_SQL})\b",
    "systemd": r"\[",
    "terraform": r"[A-Za-z_].*\{",
    "toml": r"\[",
    "yaml": r"---|- |[^\s#}\]].*:(?:\s|$)",
}
# Those that are known for sure; Pygments knows hundreds more.
TEXT_KINDS = frozenset([*PATTERNS, *_KNOWN_AS.values(), *_ENDINGS.values(), *_NAMES.values(), *_WRITTEN]) - {"python"}
_MEDIA = ("image/", "audio/", "video/", "font/")


@lru_cache(maxsize=100_000)
def kind_of(name: str) -> str | None:
    """The kind of text that a file of this name holds; TEXT when the name says nothing, None when it is binary."""
    low = name.lower()
    ending = f".{low.rsplit('.', 1)[-1]}" if "." in low else ""
    first = low.split(".", 1)[0]
    known = _NAMES.get(low) or _ENDINGS.get(ending) or (_NAMES.get(first) if first == "dockerfile" else None)
    if known:
        return known
    if _is_media(low):
        return None
    return _by_pygments(name) or _by_pygments(low) or TEXT


def find_kind(name: str) -> str | None:
    """The kind of text that a person calls so: its own name, another one that Pygments knows, or a file ending."""
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    if name in TEXT_KINDS:
        return name
    if f".{name}" in _ENDINGS:
        return _ENDINGS[f".{name}"]
    try:
        return _named(find_lexer_class_by_name(name).aliases)
    except ClassNotFound:
        kind = kind_of(f"file.{name}")
        return kind if kind != TEXT or name == "txt" else None


def _by_pygments(name: str) -> str | None:
    from pygments.lexers import find_lexer_class_for_filename

    lexer = find_lexer_class_for_filename(name)
    return _named(lexer.aliases) if lexer else None


def _named(aliases: list[str]) -> str:
    return _KNOWN_AS.get(aliases[0], aliases[0])


def _is_media(name: str) -> bool:
    kind, packed = _types().guess_type(name)
    return packed is not None or (kind or "").startswith(_MEDIA)


@cache
def _types() -> MimeTypes:
    return MimeTypes()  # its own table: the system's differ from machine to machine
