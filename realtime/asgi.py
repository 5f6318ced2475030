"""The ASGI application: pages and API by Django, WebSockets by our consumers."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
django_application = get_asgi_application()  # first: it loads the apps that the imports below need

from channels.routing import ProtocolTypeRouter  # noqa: E402

from realtime.staticfiles import with_static_files  # noqa: E402

application = ProtocolTypeRouter({"http": with_static_files(django_application)})
