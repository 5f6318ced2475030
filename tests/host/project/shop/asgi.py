import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from holdfast.asgi import http, websocket  # noqa: E402

application = ProtocolTypeRouter({"http": http(django_application), "websocket": websocket()})
