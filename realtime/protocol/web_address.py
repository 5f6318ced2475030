"""Which addresses may become links: the one rule for messages, notifications and broadcasts."""

import re
from typing import Final
from urllib.parse import urlsplit

# The beginning of an address of the web, for a browser. It would also read "https:evil.example" and
# "https:\\evil.example" as one; these are refused.
_BEGINNING: Final = re.compile(r"https?://[^\s/?#\\@]", re.IGNORECASE)


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
    if "@" in parts.netloc:
        return None
    return parts.hostname
