"""The parameters that the URLs of the broker and the cache may have after ``?``.

An unknown one would fail at the first connection, or change nothing and look as if it did.
"""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

_CREDENTIALS: Final = frozenset({"username", "password", "client_name"})
_TLS: Final = frozenset(
    {
        "ssl_ca_certs",
        "ssl_ca_path",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_ciphers",
        "ssl_keyfile",
        "ssl_min_version",
        "ssl_password",
    }
)
# Timeouts are not among them: Holdfast sets those that its clients need.
_ALLOWED: Final = {
    "redis": _CREDENTIALS | {"db"},
    "rediss": _CREDENTIALS | {"db"} | _TLS,
    "unix": _CREDENTIALS | {"db"},
    "memory": frozenset[str](),
    "amqp": frozenset[str](),
    "amqps": frozenset[str](),
    "sqlite": frozenset[str](),
}


def unknown_parameter(url: str) -> str | None:
    """Return a sentence about the first parameter that has no meaning, or None."""
    parts = urlsplit(url)
    allowed = _ALLOWED.get(parts.scheme)
    if allowed is None:
        return None
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name not in allowed:
            known = f"expected {', '.join(sorted(allowed))}" if allowed else "expected none"
            return f"has the parameter {name!r}, which {parts.scheme}:// does not have: {known}."
    return None
