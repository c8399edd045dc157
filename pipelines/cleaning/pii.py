"""Personal data: e-mail addresses, phone numbers and, where configured, public IP addresses."""

import ipaddress
import re
from collections.abc import Iterator

from pipelines.cleaning.span import Span

# From the sign on, and from there backwards: a search that begins with a fixed character is several times as fast.
_DOMAIN = re.compile(r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w@:(/-])", re.ASCII)
_LOCAL = re.compile(r"(?<![\w.+%/:@-])[\w.+%-]{1,64}\Z", re.ASCII)
_LOCAL_CHARS = 64
# Names that no one can own (RFC 2606, RFC 6761; of one letter, with few exceptions), and those that everyone makes up.
_NO_ONES = re.compile(
    r"[@.](?:example|test|invalid|localhost|local|internal|tld)$|[@.]-|-\.|[@.]\w\.[a-z]{2,4}$"
    r"|[@.][\w-]*(?:example|test|domain|invalid)[\w-]*\.[a-z]{2,4}(?:\.[a-z]{2})?$"
    r"|[@.](?:e?mail|foo|bar|baz|acme|company|somewhere|site|website|server|host|users\.noreply\.github)\.[a-z]{2,4}$",
    re.IGNORECASE,
)
_NO_ONE = re.compile(
    r"(?:git|no-?reply|user(?:name)?|name|you|your[._-]?(?:name|email)|foo|bar|test|example)\d*|(.)\1+", re.IGNORECASE
)
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|ico|css|js|ts|json|md|html?)$", re.IGNORECASE)  # logo@2x.png
_PHONE = re.compile(
    r"[+(2-9](?<![\w.+*/-].)"
    r"(?:(?<=\+)[1-9][\d ().-]{7,20}\d|(?:(?<=\()[2-9]|(?<=[2-9]))\d\d\)?[ .-][2-9]\d\d[ .-]\d{4})"
    r"(?![\w.-]?\d|\w)",
    re.ASCII,
)
_IP = re.compile(
    r"(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})(?![\w.:-])", re.ASCII
)


def scan(source: bytes, ip_addresses: bool) -> Iterator[Span]:
    """E-mail addresses and phone numbers that can be someone's; and IP addresses, when asked for, that are public."""
    text = source.decode("latin-1")
    for start, end in _addresses(text):
        if _is_someones(text[start:end]):
            yield Span(start, end, "e-mail address", "address", "personal")
    for found in _PHONE.finditer(text):
        if _is_phone_number(found[0]):
            yield Span(*found.span(), "phone number", "phonenumbers", "personal")
    for found in _IP.finditer(text) if ip_addresses else ():
        if _is_public(found[0]):
            yield Span(*found.span(), "IP address", "ipaddress", "personal")


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        local = _LOCAL.search(text, max(0, at - _LOCAL_CHARS), at)
        if local is not None:
            yield local.start(), domain.end()


def _is_someones(address: str) -> bool:
    local, domain = address.rsplit("@", 1)
    return not (_NO_ONES.search("@" + domain) or _NO_ONE.fullmatch(local) or _FILE.search(domain))


def _is_phone_number(text: str) -> bool:
    """Whether a number is given out in its country (https://github.com/google/libphonenumber), and not one made up.

    Without a country code it is read as North American, the one national way of writing that code is not full of.
    555-01XX is set aside for fiction.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(text, None if text.startswith("+") else "US")
    except phonenumbers.NumberParseException:
        return False
    digits = str(number.national_number)
    made_up = len(set(digits)) < 4 or "555" in digits[3:6] or "234567" in digits
    return phonenumbers.is_valid_number(number) and not made_up


def _is_public(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False
