"""The parts of an ASGI application, for the ``asgi.py`` of a project.

    application = ProtocolTypeRouter({
        "http": http(get_asgi_application()),
        "websocket": URLRouter([*websocket_urlpatterns(), path("ws/mine/", …)]),
    })

To be imported after ``get_asgi_application()`` has been called, which loads the apps.
"""

from typing import Any

from channels.routing import URLRouter
from django.urls import URLPattern, path, re_path

from realtime.api.consumers import StreamConsumer, nothing_here
from realtime.auth import SocketAuth
from realtime.auth.admission import Bounded

SOCKET_PATH = "ws/"


def websocket_urlpatterns() -> list[URLPattern]:
    """Return the address of the socket: ``/ws/``, with all registered streams and commands."""
    consumer: Any = SocketAuth(StreamConsumer.as_asgi())
    return [path(SOCKET_PATH, consumer)]


def websocket(*more: URLPattern) -> Any:
    """Return the application for WebSockets; every other address is refused without a traceback."""
    nothing: Any = nothing_here
    return URLRouter([*websocket_urlpatterns(), *more, re_path(r"", nothing)])


def http(application: Any) -> Any:
    """Return ``application`` with the limits of one client and one address."""
    return Bounded(application)
