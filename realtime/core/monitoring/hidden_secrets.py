"""Hides secrets from logs and error reports: those in addresses, and bearer tokens.

The address of an invitation is its secret. Django logs addresses that it refuses, and so do others.
"""

import re
from functools import cache
from typing import Any, Final

from django.conf import settings

HIDDEN: Final = "-"
_TOKEN: Final = r"(?P<prefix>\bhf_)[A-Za-z0-9_-]{8,}"


def hide(text: str) -> str:
    """Return ``text`` without the secrets in it."""
    return _pattern().sub(lambda found: f"{found['before'] or found['prefix']}{HIDDEN}", text)


def hide_within(value: Any) -> Any:
    """Return the same structure of dictionaries and lists without the secrets in its texts."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {key: hide_within(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [hide_within(each) for each in value]
    return value


def has_secret(address: str) -> bool:
    """Return whether an address names a secret, in its path or in its query."""
    return hide(address) != address


@cache
def _pattern() -> re.Pattern[str]:
    # Also as part of a query: "?next=%2Finvite%2F…".
    slash = r"(?:/|%2F|%252F)+"
    starts = "|".join(
        slash + slash.join(map(re.escape, start.strip("/").split("/"))) + slash
        for start in settings.SECRET_ADDRESSES
    )
    return re.compile(rf"(?P<before>{starts})[\w.~%-]+|{_TOKEN}", re.IGNORECASE)
