"""The ASGI application: pages and API by Django, WebSockets by our consumers."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
django_application = get_asgi_application()  # first: loads the apps for the imports below

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from chat.api.consumers import ChatConsumer  # noqa: E402
from notifications.api.consumers import NotificationConsumer  # noqa: E402
from realtime.api.consumers import nothing_here  # noqa: E402
from realtime.auth import SocketAuth  # noqa: E402
from realtime.auth.admission import Bounded  # noqa: E402
from realtime.auth.passwords.gate import PasswordGate  # noqa: E402
from realtime.site.staticfiles import with_static_files  # noqa: E402

chat: Any = SocketAuth(ChatConsumer.as_asgi())  # Any: path() is typed for views only
notifications: Any = SocketAuth(NotificationConsumer.as_asgi())
nothing: Any = nothing_here

sockets = URLRouter(
    [
        path("ws/chat/", chat),
        path("ws/notifications/", notifications),
        re_path(r"", nothing),  # else every scanner causes a traceback in the log
    ]
)

application = ProtocolTypeRouter(
    {
        # The queue of the password forms is outside, so that who waits there takes nobody's turn.
        "http": with_static_files(PasswordGate(Bounded(django_application))),
        "websocket": sockets,
    }
)
