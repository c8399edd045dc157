"""Secrets of 20 kinds, made at run time by a seeded random, and the files they are planted in.

No value is written down here, so that this repository holds none. The shapes are those of the issuers' documentation.
"""

import base64
import json
import string
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"
LINE = 64  # characters of a PEM line (RFC 7468)
SURVIVES = 12  # as many characters of a secret in a row must not be left


@dataclass(frozen=True)
class Secret:
    """One secret.

    Attributes:
        kind: one of `KINDS`.
        name: what a program calls it.
        value: as it stands in a string, with real line breaks.
        parts: what must not be left of it.
    """

    kind: str
    name: str
    value: str
    parts: tuple[str, ...]


def _chars(random: Random, alphabet: str, count: int) -> str:
    """Characters of which neighbours differ, with a digit among them, as most issuers' tokens have."""
    while True:
        found = "".join(random.choices(alphabet, k=count))
        if any(char.isdigit() for char in found):
            return found


def _hex(random: Random, count: int) -> str:
    return _chars(random, "0123456789abcdef", count)


def _one(kind: str, name: str, prefix: str, body: str, suffix: str = "") -> Secret:
    return Secret(kind, name, prefix + body + suffix, (body,))


def _aws(random: Random, turn: int) -> Secret:
    key = _chars(random, string.ascii_uppercase + "234567", 16)
    secret = _chars(random, BASE64, 40)
    if turn % 2:
        return Secret("AWS key", "aws_access_key_id", "AKIA" + key, (key,))
    return Secret("AWS key", "aws_secret_access_key", secret, (secret,))


def _pem(random: Random, label: str, size: int) -> Secret:
    body = base64.b64encode(b"0\x82" + random.randbytes(size)).decode()
    lines = [body[at : at + LINE] for at in range(0, len(body), LINE)]
    text = "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"]) + "\n"
    return Secret("private key (PEM)", "signing_key", text, tuple(lines))


def _service_account(random: Random) -> Secret:
    pem = _pem(random, "PRIVATE KEY", 1200)
    account = {
        "type": "service_account",
        "project_id": "shop-prod",
        "private_key_id": _hex(random, 40),
        "private_key": pem.value,
        "client_id": _chars(random, string.digits, 21),
    }
    return Secret("GCP service account", "account", json.dumps(account, indent=2), pem.parts)


def _github(random: Random, turn: int) -> Secret:
    if turn % 2:
        return _one("GitHub token", "gh", "ghp_", _chars(random, ALNUM, 36))
    return _one("GitHub token", "gh", "github_pat_", f"{_chars(random, ALNUM, 22)}_{_chars(random, ALNUM, 59)}")


def _slack(random: Random, turn: int) -> Secret:
    digits = lambda count: _chars(random, "123456789", count)  # noqa: E731
    if turn % 2:
        return _one("Slack", "slack", "xoxb-", f"{digits(12)}-{digits(12)}-{_chars(random, ALNUM, 24)}")
    upper = string.ascii_uppercase + string.digits
    path = f"T{_chars(random, upper, 8)}/B{_chars(random, upper, 8)}/{_chars(random, ALNUM, 24)}"
    return _one("Slack", "hook", "https://hooks.slack.com/services/", path)


def _twilio(random: Random, turn: int) -> Secret:
    name, prefix = (("twilio_api_key", "SK"), ("twilio_auth_token", ""))[turn % 2]
    return _one("Twilio", name, prefix, _hex(random, 32))


def _openai(random: Random) -> Secret:
    body = f"{_chars(random, ALNUM, 74)}T3Blbk" + f"FJ{_chars(random, ALNUM, 74)}"
    return _one("OpenAI", "client", "sk-proj-", body)


def _jwt(random: Random) -> Secret:
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    head, body = {"alg": "HS256", "typ": "JWT"}, {"sub": _hex(random, 16), "iat": random.randrange(10**9, 2 * 10**9)}
    signature = base64.urlsafe_b64encode(random.randbytes(32)).decode().rstrip("=")
    return Secret("JWT", "session", f"{part(head)}.{part(body)}.{signature}", (part(body), signature))


def _database(random: Random, turn: int) -> Secret:
    scheme = ("postgresql", "mysql", "mongodb+srv", "redis", "amqp")[turn % 5]
    word = _chars(random, ALNUM, 16)
    return Secret("database URL", "dsn", f"{scheme}://shop:{word}@db.shop.internal/orders", (word,))


def _password(random: Random, turn: int) -> Secret:
    word = _chars(random, ALNUM + "!%*-_", 12 + turn % 5)
    return Secret("password", ("password", "db_password", "smtp_passwd", "adminPassword")[turn % 4], word, (word,))


def _basic_auth(random: Random) -> Secret:
    word = _chars(random, ALNUM, 14)
    return Secret("basic-auth URL", "mirror", f"https://deploy:{word}@packages.shop.internal/simple", (word,))


def _entropy(random: Random, turn: int) -> Secret:
    name = ("SESSION_SECRET", "SERVICE_TOKEN", "webhook_secret", "deploy_token")[turn % 4]
    body = _hex(random, 64) if turn % 2 else _chars(random, BASE64, 43) + "="
    return Secret("*_SECRET, *_TOKEN", name, body, (body.rstrip("="),))


def _account_key(random: Random) -> Secret:
    key = base64.b64encode(random.randbytes(64)).decode()
    text = f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={key};EndpointSuffix=core.windows.net"
    return Secret("Azure storage key", "storage", text, (key.rstrip("="),))


KINDS: dict[str, Callable[[Random, int], Secret]] = {
    "AWS key": _aws,
    "GCP service account": lambda random, turn: _service_account(random),
    "Azure storage key": lambda random, turn: _account_key(random),
    "GitHub token": _github,
    "GitLab": lambda random, turn: _one("GitLab", "ci", "glpat-", _chars(random, ALNUM + "-_", 20)),
    "Slack": _slack,
    "Stripe": lambda random, turn: _one(
        "Stripe", "stripe", ("sk_live_", "rk_live_")[turn % 2], _chars(random, ALNUM, 24)
    ),
    "Twilio": _twilio,
    "SendGrid": lambda random, turn: _one(
        "SendGrid", "mail", "SG.", f"{_chars(random, ALNUM + '-_', 22)}.{_chars(random, ALNUM + '-_', 43)}"
    ),
    "npm": lambda random, turn: _one("npm", "registry", "npm_", _chars(random, ALNUM, 36)),
    "PyPI": lambda random, turn: _one("PyPI", "upload", "pypi-AgEIcHlwaS5vcmc", _chars(random, ALNUM + "-_", 150)),
    "OpenAI": lambda random, turn: _openai(random),
    "Anthropic": lambda random, turn: _one("Anthropic", "llm", "sk-ant-api03-", _chars(random, ALNUM + "-_", 93), "AA"),
    "JWT": lambda random, turn: _jwt(random),
    "private key (PEM)": lambda random, turn: _pem(
        random, ("RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY")[turn % 3], (1190, 118, 400)[turn % 3]
    ),
    "database URL": _database,
    "password": _password,
    "basic-auth URL": lambda random, turn: _basic_auth(random),
    "Telegram": lambda random, turn: _one(
        "Telegram", "bot", "", f"{random.randrange(10**8, 10**10)}:AA{_chars(random, ALNUM + '-_', 33)}"
    ),
    "*_SECRET, *_TOKEN": _entropy,
}


def secrets(each: int, seed: int) -> list[Secret]:
    """`each` secrets of every kind."""
    random = Random(seed)
    return [make(random, turn) for make in KINDS.values() for turn in range(each)]


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


def _notebook(secret: Secret) -> str:
    cell = [f"{secret.name} = {json.dumps(secret.value)}\n", "run()\n"]
    return json.dumps({"cells": [{"cell_type": "code", "source": cell}], "nbformat": 4}, indent=1)


def _commented(secret: Secret, mark: str) -> str:
    first, *rest = secret.value.rstrip("\n").split("\n")
    return "\n".join([f"{mark} {secret.name}: {first}", *(f"{mark} {line}" for line in rest)])


CARRIERS: dict[str, tuple[str, Callable[[Secret], str]]] = {
    "Python string": ("app.py", lambda s: f'import os\n\n{s.name} = "{_escaped(s.value)}"\n\n\ndef run():\n    pass\n'),
    "Python comment": ("note.py", lambda s: f"{_commented(s, '#')}\ndef run():\n    return 1\n"),
    "Go": (
        "main.go",
        lambda s: f'package main\n\nfunc main() {{\n\t{s.name} := "{_escaped(s.value)}"\n\tuse({s.name})\n}}\n',
    ),
    "Java": ("App.java", lambda s: f'class App {{\n  static final String {s.name} = "{_escaped(s.value)}";\n}}\n'),
    "notebook": ("trial.ipynb", _notebook),
    "TypeScript": ("app.ts", lambda s: f"export const {s.name} = '{_escaped(s.value)}';\n"),
    "Rust": ("main.rs", lambda s: f'const {s.name}: &str = "{_escaped(s.value)}";\n\nfn main() {{}}\n'),
    "environment": (".env", lambda s: f"PORT=80\n{s.name.upper()}={_escaped(s.value)}\n"),
    "JavaScript comment": ("app.js", lambda s: f"{_commented(s, '//')}\nfunction run() {{ return 1; }}\n"),
    "triple-quoted": ("text.py", lambda s: f'{s.name} = """{s.value}"""\n\n\ndef run():\n    return {s.name}\n'),
}


def planted(each: int = 10, seed: int = 17) -> list[tuple[Secret, str, str, str]]:
    """Every secret with its carrier: (secret, carrier, path, text); a kind's turns go through all carriers."""
    random, found = Random(seed), []
    order = {kind: random.sample(list(CARRIERS), len(CARRIERS)) for kind in KINDS}
    for number, secret in enumerate(secrets(each, seed)):
        carrier = order[secret.kind][number % each % len(CARRIERS)]
        path, text = CARRIERS[carrier]
        found.append((secret, carrier, path, text(secret)))
    return found


def left(secret: Secret, text: str) -> bool:
    """Whether a text still holds a stretch of the secret."""
    return any(
        part[at : at + SURVIVES] in text for part in secret.parts for at in range(max(1, len(part) - SURVIVES + 1))
    )


def gathered(each: int = 10, seed: int = 17, plain: int = 150) -> tuple[list[Secret], dict[str, str]]:
    """All secrets in one file a carrier, with plain lines after them, or long values would make them minified files.

    Returns:
        The secrets, and the files: path → text.
    """
    parts: dict[str, list[tuple[Secret, str]]] = {}
    for secret, carrier, _, text in planted(each, seed):
        parts.setdefault(carrier, []).append((secret, text))
    files = {}
    for number, (carrier, texts) in enumerate(sorted(parts.items())):
        path = f"planted/{number}/{CARRIERS[carrier][0]}"
        if path.endswith(".ipynb"):
            cells = [cell for _, text in texts for cell in json.loads(text)["cells"]]
            files[path] = json.dumps({"cells": cells, "nbformat": 4}, indent=1)
        else:
            mark = "#" if path.endswith((".py", ".env")) else "//"
            files[path] = "\n".join([*(text for _, text in texts), *[f"{mark} plain words of a comment"] * plain, ""])
    return [secret for texts in parts.values() for secret, _ in texts], files


class Traces:
    """Looks for stretches of secrets in bytes, at every place once."""

    def __init__(self, found: list[Secret]) -> None:
        self._windows = {
            part.encode()[at : at + SURVIVES]: secret.kind
            for secret in found
            for part in secret.parts
            for at in range(len(part) - SURVIVES + 1)
        }
        # Which three bytes stand at the first, the fourth, ... place of a window, so that few are compared whole.
        self._tables = {at: np.zeros(1 << 24, bool) for at in range(0, SURVIVES, 3)}
        for at, table in self._tables.items():
            table[[int.from_bytes(window[at : at + 3], "big") for window in self._windows]] = True

    def kinds(self, data: bytes) -> set[str]:
        """The kinds of the secrets of which the bytes still hold a stretch."""
        letters = np.frombuffer(data, np.uint8).astype(np.uint32)
        if len(letters) < SURVIVES:
            return set()
        triples = letters[:-2] << 16 | letters[1:-1] << 8 | letters[2:]
        hits = np.arange(len(letters) - SURVIVES + 1)
        for at, table in self._tables.items():
            hits = hits[table[triples[hits + at]]]
        stretches = (data[at : at + SURVIVES] for at in hits)
        return {self._windows[stretch] for stretch in stretches if stretch in self._windows}
