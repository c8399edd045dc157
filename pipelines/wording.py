"""How sentences for people write a number of things."""


def format_count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 file`, `0 files`, `1,234 files`.

    Args:
        noun: of one.
        plural: of none or several, where it is more than an `s` behind the noun.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
