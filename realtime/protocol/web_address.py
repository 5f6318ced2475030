"""Which addresses may become links: the one rule for messages, notifications and broadcasts."""

import re
from typing import Final
from urllib.parse import urlsplit

# The beginning of an address of the web, for a browser. It would also read "https:evil.example" and
# "https:\\evil.example" as one; these are refused.
_BEGINNING: Final = re.compile(r"https?://[^\s/?#\\@]", re.IGNORECASE)
_NOT_IN_HOST: Final = re.compile(r"[\s#%/:<>?@\\^|\[\]]")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def web_host(url: str) -> str | None:
    """Return the host of a web address that may become a link, in lower case; None if it may not.

    An address with user information may not: ``https://bank.example@evil.example`` leads to
    evil.example, and a password in a link is shown to everyone. White space, control characters
    and backslashes may not be in it either, because browsers drop or replace them.
    """
    if not _BEGINNING.match(url) or any(
        character == "\\" or character.isspace() or not character.isprintable() for character in url
    ):
        return None
    try:
        parts = urlsplit(url)
        # Raises ValueError for a port that is no number.
        _ = parts.port
    except ValueError:
        return None
    if "@" in parts.netloc or not parts.hostname or not _is_host(parts.hostname):
        return None
    return parts.hostname


def _is_host(name: str) -> bool:
    """Return whether a browser takes a name for a host (WHATWG URL, "host parsing").

    A name whose last part is a number has to be an address of IPv4, in one of its forms.
    """
    if ":" in name:  # of IPv6: urlsplit has checked it
        return True
    if _NOT_IN_HOST.search(name) or not name.strip("."):
        return False
    parts = name.removesuffix(".").split(".")
    return not _NUMBER.fullmatch(parts[-1]) or _is_ipv4(parts)


def _is_ipv4(parts: list[str]) -> bool:
    """Return whether a browser reads these parts as an address, such as "1.2.3.4" or "0x7f.1"."""
    try:
        values = [_value(part) for part in parts]
    except ValueError:
        return False
    return (
        len(values) <= 4
        and all(value <= 255 for value in values[:-1])
        and values[-1] < 256 ** (5 - len(values))
    )


def _value(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if part.startswith("0") and part != "0" else int(part)
