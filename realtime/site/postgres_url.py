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
_ANY: Final = ""
_NUMBER: Final = r"\d{1,9}"
_SWITCH: Final = "0|1"
_PORTS: Final = r"\d{0,5}(,\d{0,5})*"
_TLS: Final = "TLSv1|TLSv1.1|TLSv1.2|TLSv1.3"

# The parameters that a URL may set, with patterns of their values. Holdfast sets others of libpq
# itself, or cannot use them.
PARAMETERS: Final[Mapping[str, str]] = {
    "application_name": _ANY,
    "channel_binding": "disable|prefer|require",
    "connect_timeout": _NUMBER,
    "gssencmode": "disable|prefer|require",
    "host": _ANY,
    "hostaddr": _ANY,
    "keepalives": _SWITCH,
    "keepalives_count": _NUMBER,
    "keepalives_idle": _NUMBER,
    "keepalives_interval": _NUMBER,
    "krbsrvname": _ANY,
    "load_balance_hosts": "disable|random",
    "options": _ANY,
    "passfile": _ANY,
    "port": _PORTS,
    "require_auth": _ANY,
    "sslcert": _ANY,
    "sslcrl": _ANY,
    "sslcrldir": _ANY,
    "sslkey": _ANY,
    "sslmode": "disable|allow|prefer|require|verify-ca|verify-full",
    "sslnegotiation": "postgres|direct",
    "sslrootcert": _ANY,
    "sslsni": _SWITCH,
    "ssl_max_protocol_version": _TLS,
    "ssl_min_protocol_version": _TLS,
    "target_session_attrs": "any|read-write|read-only|primary|standby|prefer-standby",
    "tcp_user_timeout": _NUMBER,
}

_CHOICES: Final = {_NUMBER: "a number", _PORTS: "ports, separated by commas"}

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
        pattern = PARAMETERS.get(name)
        if pattern is None:
            close = difflib.get_close_matches(name, PARAMETERS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"expected {', '.join(PARAMETERS)}."
            raise BadParameter(f"has the unknown parameter {name!r}: {hint}")
        if pattern != _ANY and not re.fullmatch(pattern, value):
            choices = _CHOICES.get(pattern) or pattern.replace("|", ", ")
            raise BadParameter(f"has {name}={value!r}: expected {choices}.")
        options[name] = value
    return options
