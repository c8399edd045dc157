"""What can be someone's address or number is blotted out; what everyone makes up stays."""

import pytest

from pipelines.cleaning.clean import clean
from pipelines.config.schema import Cleaning

SHIPPED = Cleaning(secrets="redact", personal="redact", ip_addresses=False, licenses=[])
AT = "@"  # written apart, so that this file holds no address


def address(local: str, domain: str) -> str:
    return local + AT + domain


def cleaned(line: str, **values) -> str:
    return clean(f"# {line}\n".encode(), "app.py", SHIPPED.model_copy(update=values)).source.decode()


@pytest.mark.parametrize(
    "found",
    [
        address("jane.doe", "shop.io"),
        address("j.k+lists", "mail.university.ac.uk"),
        address("ops", "xn--mller-kva.de"),
        "+43 1 5135" + "8880",
        "+1 (212) 736-" + "5000",
        "(212) 736-" + "5000",
        "212.736." + "5000",
    ],
)
@pytest.mark.parametrize("line", ["by {}", "<{}>", "{},", "contact='{}'"])
def test_addresses_and_phone_numbers_are_blotted_out(found, line):
    text = cleaned(line.format(found))
    assert found not in text
    assert not any(part in text for part in found.replace("@", " ").replace(".", " ").split() if len(part) > 3)


@pytest.mark.parametrize(
    "line",
    [
        address("jane", "example.com"),
        address("jane", "mail.example.org"),
        address("jane", "host.invalid"),
        address("you", "shop.io"),
        address("git", "github.com") + ":org/repository.git",
        address("ssh://git", "github.com/org/repository"),
        address("user", "host"),
        address("1234+jane", "users.noreply.github.com"),
        address("logo", "2x.png"),
        address("", "app.route('/users')"),
        address("", "scope/package.name"),
        "version 1.2.3.4 and 10.0.0.1",
        "212-555-" + "0123",
        "2026-11-20 10:11:12",
        "0x2127365000 and 2127365000",
        "+1234567890",
        "range(200, 736, 5000)",
        "uuid 2f1e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_what_is_no_ones_stays(line):
    assert cleaned(line) == f"# {line}\n"


def test_keep_leaves_addresses_and_quarantine_keeps_the_file_out():
    line = address("jane.doe", "shop.io")
    assert line in cleaned(line, personal="keep")
    refused = clean(f"# {line}\n".encode(), "app.py", SHIPPED.model_copy(update={"personal": "quarantine"})).refused
    assert refused is not None
    assert (refused.rule, refused.reason) == ("personal", "personal: e-mail address on line 1")


@pytest.mark.parametrize("public", ["8.8." + "8.8", "2a00:1450:4016:80a::" + "200e"])
def test_public_ip_addresses_count_only_where_configured(public):
    assert public in cleaned(f"dial {public} now")
    assert public not in cleaned(f"dial {public} now", ip_addresses=True)


@pytest.mark.parametrize(
    "other", ["10.0.0.1", "127.0.0.1", "192.0.2.7", "2001:db8::1", "::1", "999.1.1.1", "std::vector"]
)
def test_private_and_documentation_addresses_stay(other):
    assert other in cleaned(f"dial {other} now", ip_addresses=True)
