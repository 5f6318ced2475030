"""Checks of access to the site: hosts, origins, keys, HTTPS and proxies."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.http.request import validate_host

from realtime.site.environment import Network
from realtime.site.private_files import open_to_others

SECRET_LENGTH: Final = 50  # characters, as Django's own check wants
# A network with a shorter prefix is most of the internet: 10.0.0.0/8 and fc00::/7 are private.
SHORTEST_PREFIX: Final = {4: 8, 6: 7}
# Names that only probes and other servers of the same network use; no browser comes by them.
INTERNAL_SUFFIXES: Final = (".internal", ".local", ".localhost", ".svc", ".test", ".invalid")


def origins(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a site that no browser can connect to, and plain HTTP origins on an HTTPS site."""
    if not settings.ALLOWED_ORIGINS and not settings.DEBUG:
        yield Error(
            "ALLOWED_ORIGINS is empty: no browser can open a WebSocket.",
            hint="Set it to the origins of the site, for example https://chat.example.org.",
            id="holdfast.E003",
        )
    plain = [origin for origin in settings.ALLOWED_ORIGINS if urlsplit(origin).scheme == "http"]
    if plain and settings.HOLDFAST_HTTPS:
        yield Error(
            f"ALLOWED_ORIGINS contains {plain[0]}, but the site uses HTTPS: "
            "an attacker on the network could connect as any of its users.",
            hint="Use https://, or set HOLDFAST_HTTPS=false on a closed network.",
            id="holdfast.E004",
        )


def secret(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse a key that others know or can guess: it signs sessions."""
    for name, key in [
        ("SECRET_KEY", settings.SECRET_KEY),
        *(("SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS),
    ]:
        if not settings.DEBUG and (
            key.startswith("django-insecure-") or len(key) < SECRET_LENGTH or len(set(key)) < 5
        ):
            yield Error(
                f"{name} is a default value or easy to guess: "
                f"expected at least {SECRET_LENGTH} random characters.",
                hint="python -c 'import secrets; print(secrets.token_urlsafe(50))'",
                id="holdfast.E005",
            )


def hosts(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse host names by which no page can be loaded or no socket opened."""
    allowed: list[str] = settings.ALLOWED_HOSTS
    if not allowed and not settings.DEBUG:
        yield Error(
            "ALLOWED_HOSTS is empty: every page is answered with 400.",
            hint="Set it to the host names of the site, for example chat.example.org.",
            id="holdfast.E009",
        )
        return
    if "*" in allowed:
        yield checks.Warning(
            "ALLOWED_HOSTS contains *: a request may claim any host name, and links in pages "
            "then lead there.",
            hint="Set it to the host names of the site, and those that probes use.",
            id="holdfast.W002",
        )
    of_origins = [urlsplit(origin).hostname or "" for origin in settings.ALLOWED_ORIGINS]
    for name in of_origins:
        if not validate_host(_as_host(name), allowed):
            yield Error(
                f"ALLOWED_ORIGINS contains {name}, but ALLOWED_HOSTS does not: "
                "its pages are answered with 400.",
                hint=f"Add {name} to ALLOWED_HOSTS: a host name without scheme and port.",
                id="holdfast.E010",
            )
    for host in allowed:
        if _is_public(host) and not any(
            validate_host(_as_host(name), [host]) for name in of_origins
        ):
            yield checks.Warning(
                f"ALLOWED_HOSTS contains {host}, but ALLOWED_ORIGINS has no origin of it: "
                "its pages load, and their sockets and forms are refused with 403.",
                hint=f"Add https://{host.removeprefix('.')} to ALLOWED_ORIGINS, "
                "or remove the host.",
                id="holdfast.W003",
            )


def https(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse HTTPS that never arrives, and warn of a public site without it."""
    if settings.HOLDFAST_HTTPS and not settings.HOLDFAST_TRUST_PROXY:
        yield Error(
            "HOLDFAST_HTTPS is on and HOLDFAST_TRUST_PROXY is off: behind a proxy that ends TLS, "
            "every page redirects to itself.",
            hint="Set HOLDFAST_TRUST_PROXY=true where the proxy sets X-Forwarded-Proto and "
            "X-Real-IP on every request, or HOLDFAST_HTTPS=false on a closed network.",
            id="holdfast.E011",
        )
    if not settings.HOLDFAST_TRUST_PROXY and not settings.HOLDFAST_HTTPS:
        yield checks.Warning(
            "HOLDFAST_TRUST_PROXY is off: behind a proxy, or on a Unix socket, all visitors have "
            "the proxy's address or none, and so share the limits of one address. Someone who "
            "guesses passwords then slows down everyone's sign-in and sign-up.",
            hint="Set HOLDFAST_TRUST_PROXY=true where the proxy sets X-Real-IP on every request. "
            "Where browsers reach the nodes directly, nothing is wrong.",
            id="holdfast.W013",
        )
    secure = [origin for origin in settings.ALLOWED_ORIGINS if origin.startswith("https://")]
    if secure and not settings.HOLDFAST_HTTPS:
        yield checks.Warning(
            f"ALLOWED_ORIGINS contains {secure[0]}, but HOLDFAST_HTTPS is off: cookies are sent "
            "over plain HTTP too, and browsers get no Strict-Transport-Security.",
            hint="Set HOLDFAST_HTTPS=true.",
            id="holdfast.W004",
        )
    if settings.DEBUG:
        yield checks.Warning(
            "DEBUG is on: error pages show settings, and the demo accounts can be created.",
            hint="Set DEBUG=false.",
            id="holdfast.W005",
        )


def files(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Warn of secrets and conversations that other accounts of the machine can read."""
    for path in open_to_others():
        yield checks.Warning(
            f"{path} can be read by other accounts of this machine.",
            hint=f"chmod 600 {path}",
            id="holdfast.W012",
        )


def networks(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Refuse trust in everyone."""
    for network in filter(_is_wide, settings.HOLDFAST_TRUSTED_PROXIES):
        if settings.HOLDFAST_TRUST_PROXY:
            yield Error(
                f"HOLDFAST_TRUSTED_PROXIES contains {network}: any client can claim any address, "
                "and so evade limits and bans, and read /metrics.",
                hint="Set it to the addresses of your proxies. A Unix socket needs none.",
                id="holdfast.E012",
            )
    for network in filter(_is_wide, settings.METRICS_NETWORKS):
        yield checks.Warning(
            f"METRICS_NETWORKS contains {network}: anyone who reaches a node can read its metrics.",
            hint="Set it to the addresses of your monitoring.",
            id="holdfast.W006",
        )


def _is_wide(network: Network) -> bool:
    return network.prefixlen < SHORTEST_PREFIX[network.version]


def _as_host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _is_public(host: str) -> bool:
    if host == "*" or "." not in host.strip(".") or host.endswith(INTERNAL_SUFFIXES):
        return False
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False
