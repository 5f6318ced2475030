"""Whether a request came through a proxy, by the headers in which proxies name their clients."""

from collections.abc import Iterable
from typing import Final

FORWARDED: Final = "holdfast.forwarded"
"""In the scope of our own server: a proxy passed the request on, and named no client to believe."""

# Prefixes, in lower case.
_HEADERS: Final = (
    "forwarded",
    "via",
    "x-forwarded",
    "x-original-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
)


def is_forwarded(names: Iterable[str]) -> bool:
    """Return whether one of these headers is set by proxies only."""
    return any(name.lower().startswith(_HEADERS) for name in names)
