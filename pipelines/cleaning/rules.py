"""Rules that detect-secrets does not have, as plugins of it."""

import re

from detect_secrets.plugins.base import RegexBasedDetector

from pipelines.cleaning.placeholders import is_random

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|(?:api|access|auth|account|private|encryption|signing)"
    r"[_-]?key|(?<=[_-])pass(?![a-z]))"
)
_ASSIGNED = r"(?::\s?&?(?:'static\s)?[\w.]{1,24}\s?=(?!=)|:=|=>|={1,3}|:)"
_BETWEEN = r"""(?:\\{1,4}[nrt]|[\s"'`+#/*>|,.;()])*"""


class SecretAssignment(RegexBasedDetector):
    """A random-looking value assigned to a name that says secret, quoted or not: code, comments, notebooks, .env."""

    secret_type = "Secret Assignment"
    denylist = (
        re.compile(
            rf"""{_NAME}[\w.-]{{0,40}}(?:\\?["'`]|\]){{0,2}}[ \t]{{0,8}}{_ASSIGNED}[ \t]{{0,8}}"""
            r"""(?:[rbfu@]?\\?["'`]{1,3}([^"'`\s\\]{8,400})|([^\s"'`\\,;(){}<>\[\]]{8,400}))""",
            re.IGNORECASE,
        ),
    )

    def accepts(self, value: str) -> bool:
        """Whether a value is one: what is no person's word."""
        return is_random(value)


class JsonWebToken(RegexBasedDetector):
    """A JSON Web Token with its signature (RFC 7519), which detect-secrets' own rule leaves standing."""

    secret_type = "JSON Web Token"
    denylist = (re.compile(r"eyJ[\w=-]{8,}\.eyJ[\w=-]{8,}\.[\w=-]{16,}", re.ASCII),)


class IssuedToken(RegexBasedDetector):
    """Tokens by their issuer's prefix, of issuers and formats that are younger than detect-secrets' last release."""

    secret_type = "Issued Token"
    denylist = (
        re.compile(
            r"\b(?:github_pat_\w{60,}|npm_[A-Za-z0-9]{36}|sk-ant-[\w-]{32,}|sk-(?:proj|svcacct|admin)-[\w-]{40,})",
            re.ASCII,
        ),
    )


class PrivateKeyBlock(RegexBasedDetector):
    """A private key from its BEGIN line to its END line or last whole line, in comments and escaped too (RFC 7468)."""

    secret_type = "Private Key"
    denylist = (
        re.compile(
            rf"-----BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----"
            rf"(?:{_BETWEEN}(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{{0,120}})*"
            rf"(?:{_BETWEEN}[A-Za-z0-9+/=]{{16,}})+(?:{_BETWEEN}[A-Za-z0-9+/=]{{1,15}}(?={_BETWEEN}-----END))?"
            rf"(?:{_BETWEEN}-----END [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    )


RULES = (SecretAssignment, JsonWebToken, IssuedToken, PrivateKeyBlock)
