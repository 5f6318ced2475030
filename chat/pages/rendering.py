"""Rendering a page after everything has been read, without a connection to the database."""

from collections.abc import Mapping
from typing import Any

from django import shortcuts
from django.http import HttpRequest, HttpResponse

from realtime.auth import retry_header
from realtime.core import database
from realtime.protocol.errors import HoldfastError


def render(
    request: HttpRequest,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Give the connection back, so that others read meanwhile, and render a template."""
    database.release()
    return shortcuts.render(request, template, values, status=status)


def refused(request: HttpRequest, error: HoldfastError) -> HttpResponse:
    """Return the page for a limit that was reached."""
    values = {"status": error.status, "text": error.message, "back": request.path}
    return retry_header(render(request, "refused.html", values, status=error.status), error)
