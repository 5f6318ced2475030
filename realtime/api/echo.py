"""Shows ``manage.py doctor`` how a request arrives at a node.

The doctor comes through the proxy like any client, and learns which scheme, address and host
arrive. It signs its request with ``SECRET_KEY``; others get 404.
"""

from typing import Final

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

SALT: Final = "holdfast.doctor"
HEADER: Final = "X-Holdfast-Doctor"
VALID_SECONDS: Final = 300  # for clocks that differ


def signature() -> str:
    """Return the value of ``HEADER`` that ``echo`` accepts now."""
    return signing.dumps("echo", salt=SALT)


@require_safe
def echo(request: HttpRequest) -> JsonResponse:
    """Return the scheme, the client's address and the host of the request."""
    try:
        signing.loads(request.headers.get(HEADER, ""), salt=SALT, max_age=VALID_SECONDS)
    except signing.BadSignature as error:
        raise Http404 from error
    return JsonResponse(
        {
            "secure": request.is_secure(),
            "address": request.META.get("REMOTE_ADDR", ""),
            "host": request.get_host(),
            "node": settings.HOLDFAST_NODE_NAME,
        }
    )
