"""Values that stand where a secret would stand: blotting them out would only cost examples."""

import math
import re
from collections import Counter
from itertools import pairwise

MIN_CHARS = 6
MIN_BITS = 2.4  # Shannon entropy a character; "aaaa1111" has 1.0, ten different characters have 3.3
CHANCE_CHARS = 48  # in longer random text words are chance

_WORDS = re.compile(
    r"example|sample|dummy|changeme|change_me|placeholder|redacted|replace|insert|your[-_]?|xxx|\*\*\*|\.\.\."
    r"|0123456789|1234567|abcdef|qwerty|lorem|foo_?bar",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"(?:my|the|db|user|test|some|a|new|old|not|bad|wrong|valid|super)?[-_ ]?"
    r"(?:pass|password|passwd|pwd|secret|token|key|user|admin|root|guest|none|null|true|false|test)\d{0,3}",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"[$#%]?[{(<\[].*[})>\]]", re.DOTALL)
_REFERENCE = re.compile(r"\$\w+|[a-z_]\w*(?:(?:\.|::|->)\w+)+", re.IGNORECASE)
_CLASSES = (str.islower, str.isupper, str.isdigit)


def is_placeholder(value: str) -> bool:
    """Whether a value is a stand-in, a template or a reference to something else, and no secret itself."""
    if len(value) < MIN_CHARS or entropy_of(value) < MIN_BITS:
        return True
    if len(value) < CHANCE_CHARS and _WORDS.search(value):
        return True
    if _NAMES.fullmatch(value) or _TEMPLATE.fullmatch(value):
        return True
    return bool(_REFERENCE.fullmatch(value)) and not is_random(value)


def is_random(value: str) -> bool:
    """Whether letters and digits change about as people's words do not: what a generator made.

    Counted are the places where the class (lower, upper, digit) changes, punctuation left out. Of random letters and
    digits these are 0.6 of all places, of random hexadecimal digits 0.47, of `getUserToken2` 0.4, of `next_token2` 0.1.
    """
    chars = [char for char in value if char.isalnum()]
    digits = sum(char.isdigit() for char in chars)
    if not digits or digits == len(value) or len(chars) < MIN_CHARS:
        return False
    classes = [next((number for number, of in enumerate(_CLASSES) if of(char)), -1) for char in chars]
    changes = sum(one != two for one, two in pairwise(classes))
    return changes / (len(chars) - 1) >= 0.25 and entropy_of(value) >= 2.75


def entropy_of(value: str) -> float:
    """Shannon entropy in bits a character."""
    return -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())
