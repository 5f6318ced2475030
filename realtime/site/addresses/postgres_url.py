"""PostgreSQL by one URL with one or more hosts.

``postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME?PARAMETER=VALUE``, as libpq reads it. libpq
tries the hosts in their order and takes the first that fits ``target_session_attrs``.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

READ_WRITE: Final = "read-write"
MAX_DIGITS: Final = 9  # libpq keeps numbers in 32 bits
_ANYTHING: Final = ()
_NUMBER: Final = ("a number",)
_PORTS: Final = ("ports, separated by commas",)
_SWITCH: Final = ("0", "1")
_TLS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

# The parameters that a URL may set, with their values. Holdfast sets others of libpq itself, or
# cannot use them.
PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "application_name": _ANYTHING,
    "channel_binding": ("disable", "prefer", "require"),
    "connect_timeout": _NUMBER,
    "gssencmode": ("disable", "prefer", "require"),
    "host": _ANYTHING,
    "hostaddr": _ANYTHING,
    "keepalives": _SWITCH,
    "keepalives_count": _NUMBER,
    "keepalives_idle": _NUMBER,
    "keepalives_interval": _NUMBER,
    "krbsrvname": _ANYTHING,
    "load_balance_hosts": ("disable", "random"),
    "options": _ANYTHING,
    "passfile": _ANYTHING,
    "port": _PORTS,
    "require_auth": _ANYTHING,
    "sslcert": _ANYTHING,
    "sslcrl": _ANYTHING,
    "sslcrldir": _ANYTHING,
    "sslkey": _ANYTHING,
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "sslrootcert": _ANYTHING,
    "sslsni": _SWITCH,
    "ssl_max_protocol_version": _TLS,
    "ssl_min_protocol_version": _TLS,
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
    "tcp_user_timeout": _NUMBER,
}

_URL: Final = re.compile(
    r"postgres(?:ql)?://(?:(?P<login>[^/]*)@)?(?P<hosts>[^/?#]*)/(?P<name>[^?#]*)(?:\?(?P<query>.*))?"
)
# A name, an address of IPv4, one of IPv6 in brackets, or the encoded path of a Unix socket.
_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\[\]:]*)(?::(?P<port>\d{1,5}))?")


class BadParameter(ValueError):
    """A parameter that does not exist, or its value: the rest of a sentence."""


def is_postgres(url: str) -> bool:
    """Return whether a URL is one of PostgreSQL."""
    return url.partition("://")[0] in {"postgres", "postgresql"}


def parse_postgres(url: str) -> dict[str, Any]:
    """Return Django's settings of a database.

    With several hosts, ``target_session_attrs`` is ``read-write`` unless the URL says otherwise.
    Raises ``ValueError``, and ``BadParameter`` where it can name the fault.
    """
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("expected postgres://USER:PASSWORD@HOST:PORT/NAME")
    options = _options(parts["query"] or "")
    hosts, ports = _hosts(parts["hosts"])
    folder, _, name = unquote(parts["name"]).rpartition("/")
    # The directory of a Unix socket contains slashes, so it is in the path or the query.
    host = options.pop("host", "") or folder or ",".join(hosts)
    port = options.pop("port", "") or _joined(ports)
    if not name:
        raise ValueError("expected the name of a database")
    count = host.count(",") + 1
    if port.count(",") not in {0, count - 1}:
        raise BadParameter(
            f"has {count} hosts and {port.count(',') + 1} ports: expected one port for each host, "
            "or one for all."
        )
    if count > 1:
        options.setdefault("target_session_attrs", READ_WRITE)
    user, _, password = (parts["login"] or "").partition(":")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(user),
        "PASSWORD": unquote(password),
        "HOST": host,
        "PORT": port,
        "OPTIONS": options,
    }


def _hosts(text: str) -> tuple[list[str], list[str]]:
    hosts, ports = [], []
    for each in text.split(","):
        found = _HOST.fullmatch(each)
        if found is None or int(found["port"] or 0) > 65_535:
            raise ValueError("expected HOST:PORT")
        hosts.append(unquote(found["host"].strip("[]")))
        ports.append(found["port"] or "")
    if len(hosts) > 1 and not all(hosts):
        raise ValueError("a host is missing")
    return hosts, ports


def _joined(ports: list[str]) -> str:
    """Return the ports as libpq expects them; an empty one is the default port."""
    return ",".join(ports) if any(ports) else ""


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        expected = PARAMETERS.get(name)
        if expected is None:
            close = difflib.get_close_matches(name, PARAMETERS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"expected {', '.join(PARAMETERS)}."
            raise BadParameter(f"has the unknown parameter {name!r}: {hint}")
        if not _fits(value, expected):
            raise BadParameter(f"has {name}={value!r}: expected {', '.join(expected)}.")
        options[name] = value
    return options


def _fits(value: str, expected: tuple[str, ...]) -> bool:
    if expected is _NUMBER:
        return _is_number(value)
    if expected is _PORTS:
        return all(port == "" or _is_number(port) for port in value.split(","))
    return expected is _ANYTHING or value in expected


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
