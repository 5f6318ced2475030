"""The metrics and the state of a node are for ``METRICS_NETWORKS``, but not through any proxy.

A proxy on the same machine has an address that is trusted, and passes on the requests of strangers.
So a request with any header of a proxy counts only by the address that this proxy is believed to
name (``HOLDFAST_TRUST_PROXY``).
"""

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from realtime.site.forwarding import FORWARDED, is_forwarded


def refusal(request: HttpRequest, *, unix: bool) -> HttpResponse | None:
    """Return the answer to a client that may not read this; None: it may.

    ``unix``: a Unix socket suffices, without a header of a proxy. Only the account of the node and
    its proxy can open it.
    """
    scope: dict[str, Any] = getattr(request, "scope", {})
    address = request.META.get("REMOTE_ADDR", "")
    # Under another ASGI server than ours, no header is believed.
    if scope.get(FORWARDED, is_forwarded(request.headers)):
        return _refused("a proxy passed this request on, and HOLDFAST_TRUST_PROXY is off for it")
    if not address and unix:
        return None
    if _is_known(address):
        return None
    return _refused(f"{address or 'this client'} is not in METRICS_NETWORKS")


def _refused(reason: str) -> HttpResponse:
    text = f"Only METRICS_NETWORKS may read this: {reason}.\n"
    return HttpResponse(text, content_type="text/plain", status=403)


def _is_known(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in settings.METRICS_NETWORKS)
