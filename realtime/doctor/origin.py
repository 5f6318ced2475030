"""The site as a browser finds it: certificate, HTTP/2, redirects, proxy headers, WebSockets."""

import base64
import http.client
import ipaddress
import json
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from realtime.api.echo import HEADER, signature
from realtime.doctor.probe_results import Area, ProbeResult, first_line

SECONDS: Final = 5.0  # for each step
RENEW_DAYS: Final = 14  # certbot renews 30 days before the end
CLOCK_SECONDS: Final = 5.0
# Of a network for documentation: no client has it.
CLAIMED_ADDRESS: Final = "203.0.113.77"
PROXY_HEADERS: Final = (
    "Let the proxy set X-Forwarded-Proto and X-Real-IP itself on every request, as nginx/ does, "
    "set HOLDFAST_TRUST_PROXY=true, and name the proxy in HOLDFAST_TRUSTED_PROXIES."
)

area = Area("origin")


@dataclass(frozen=True, slots=True)
class OriginAnswer:
    """The response to one request."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def probe() -> Iterator[ProbeResult]:
    """Yield findings about every origin of the site."""
    if not settings.ALLOWED_ORIGINS:
        yield area.fail("ALLOWED_ORIGINS is empty", "Set it to the origins of the site.")
    for origin in settings.ALLOWED_ORIGINS:
        try:
            yield from _origin(origin)
        except ssl.SSLCertVerificationError as error:
            yield area.fail(
                f"{origin}: the certificate is not valid: {error.verify_message}",
                "Renew the certificate, and give nginx the full chain (fullchain.pem).",
            )
        except (OSError, http.client.HTTPException) as error:
            yield area.fail(
                f"{origin} cannot be reached: {first_line(error)}",
                "Check DNS, the firewall and that the proxy runs. From inside, some networks "
                "do not reach their own public address: then run doctor elsewhere.",
            )


def _origin(origin: str) -> Iterator[ProbeResult]:
    url = urlsplit(origin)
    if url.scheme == "https":
        yield from _certificate(origin, url)
    page = _get(url, "/accounts/login/")
    if page.status in {301, 302, 307, 308}:
        yield _redirect(origin, page.headers.get("Location", ""))
        return
    if page.status == 400:
        yield area.fail(
            f"{origin} answers 400", f"Add {url.hostname} to ALLOWED_HOSTS of the nodes."
        )
        return
    if page.status >= 500:
        yield area.fail(f"{origin} answers {page.status}", "Read the logs of the proxy and nodes.")
        return
    yield area.ok(f"{origin} answers {page.status}")
    yield from _clock(origin, page)
    yield from _headers(origin, url)
    yield from _private(origin, url)
    yield from _websocket(origin, url)


def _certificate(origin: str, url: SplitResult) -> Iterator[ProbeResult]:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(_address(url), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=url.hostname) as secure,
    ):
        certificate: Any = secure.getpeercert()
        protocol = secure.selected_alpn_protocol()
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86400
    if days < RENEW_DAYS:
        yield area.warn(
            f"{origin}: the certificate ends in {days:.0f} days",
            "Renew it, and look why it was not renewed: certbot renew --dry-run.",
        )
    else:
        yield area.ok(f"{origin}: the certificate is valid for {days:.0f} days")
    if protocol == "h2":
        yield area.ok(f"{origin}: HTTP/2")
    else:
        yield area.warn(
            f"{origin}: HTTP/1.1 only: browsers load pages over six connections",
            "Render nginx's configuration again with NGINX_HTTP2='auto'.",
        )


def _redirect(origin: str, target: str) -> ProbeResult:
    if target.startswith((f"{origin}/accounts/login/", "/accounts/login/")):
        return area.fail(f"{origin}: every page redirects to itself", PROXY_HEADERS)
    return area.fail(
        f"{origin} redirects to {target}",
        "Set ALLOWED_ORIGINS to the address at which the site is used.",
    )


def _clock(origin: str, page: OriginAnswer) -> Iterator[ProbeResult]:
    if date := page.headers.get("Date"):
        difference = abs(parsedate_to_datetime(date).timestamp() - time.time())
        if difference > CLOCK_SECONDS:
            yield area.warn(
                f"{origin}: its clock differs by {difference:.0f} s", "Run NTP on all machines."
            )


def _headers(origin: str, url: SplitResult) -> Iterator[ProbeResult]:
    """Compare what the node saw of our request with what we sent, and with what we claimed."""
    seen = _echo(url)
    if seen is None:
        yield area.warn(
            f"{origin}: its nodes do not know this doctor",
            "Run doctor with the SECRET_KEY and the version of the nodes.",
        )
        return
    if seen["secure"] != (url.scheme == "https"):
        scheme = "HTTPS" if seen["secure"] else "HTTP"
        yield area.fail(f"{origin}: nodes take its requests for {scheme}", PROXY_HEADERS)
    if seen["host"] != url.netloc:
        yield area.warn(
            f"{origin}: nodes see the host {seen['host']}",
            "Let the proxy pass on the header Host: proxy_set_header Host $http_host.",
        )
    address = str(seen["address"])
    if not address:
        yield area.fail(f"{origin}: nodes see no address of clients", PROXY_HEADERS)
    elif _is_proxy(address) and not _is_here(url):
        yield area.fail(
            f"{origin}: nodes take the proxy's address {address} for that of every client: "
            "all of them share one set of limits",
            PROXY_HEADERS,
        )
    claims = {"X-Real-IP": CLAIMED_ADDRESS, "X-Forwarded-For": CLAIMED_ADDRESS}
    claimed = _echo(url, claims)
    if claimed is not None and claimed["address"] == CLAIMED_ADDRESS:
        yield area.fail(
            f"{origin}: a client can claim any address by a header",
            "Let the proxy overwrite X-Real-IP, and name only the proxy in "
            "HOLDFAST_TRUSTED_PROXIES.",
        )
    else:
        yield area.ok(f"{origin}: nodes see the scheme, the host, and our address as {address}")


def _private(origin: str, url: SplitResult) -> Iterator[ProbeResult]:
    for path in ("/metrics", "/readyz"):
        if _get(url, path).status in {200, 503}:
            yield area.warn(
                f"{origin}{path} is public",
                "Let the proxy answer it with 404, as nginx/locations.conf does.",
            )


def _websocket(origin: str, url: SplitResult) -> Iterator[ProbeResult]:
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Origin": origin,
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "holdfast.v1",
    }
    status = _get(url, "/ws/chat/", headers).status
    if status == 101:
        yield area.ok(f"{origin}: a WebSocket opens")
    elif status == 403:
        yield area.fail(
            f"{origin}: a WebSocket is refused with 403",
            f"Add {origin} to ALLOWED_ORIGINS of the nodes.",
        )
    else:
        yield area.fail(
            f"{origin}: a WebSocket is answered with {status}",
            "Let the proxy speak HTTP/1.1 to the nodes and pass on Upgrade and Connection.",
        )


def _echo(url: SplitResult, headers: dict[str, str] | None = None) -> dict[str, Any] | None:
    answer = _get(url, "/doctor", {HEADER: signature(), **(headers or {})})
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "secure" in found else None


def _get(url: SplitResult, path: str, headers: dict[str, str] | None = None) -> OriginAnswer:
    """Send one request. Raises ``OSError`` or ``HTTPException``."""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    with closing(kind(*_address(url), timeout=SECONDS)) as connection:
        connection.request("GET", path, headers={"Host": url.netloc, **(headers or {})})
        response = connection.getresponse()
        body = b"" if response.status == 101 else response.read()
        return OriginAnswer(response.status, response.headers, body)


def _address(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


def _is_proxy(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in settings.HOLDFAST_TRUSTED_PROXIES)


def _is_here(url: SplitResult) -> bool:
    """Return whether the origin is an address of this machine, as in a cluster for tests."""
    try:
        address = socket.getaddrinfo(*_address(url), type=socket.SOCK_STREAM)[0][4][0]
        with socket.socket(socket.AF_INET6 if ":" in str(address) else socket.AF_INET) as here:
            here.bind((str(address), 0))
    except OSError:
        return False
    return True
