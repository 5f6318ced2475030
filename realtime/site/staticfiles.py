"""Static files: hashed names, including imports of ES modules, and serving them under ASGI."""

import re
import warnings
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from servestatic import ServeStaticASGI


class HashedStaticFiles(ManifestStaticFilesStorage):
    """File names with a hash of the contents, so that browsers may cache files for ever."""

    # Rewrites `import … from "./socket.js"` too: no build step.
    support_js_module_import_aggregation = True
    # One for each link of the longest chain of imports; Django allows 5.
    max_post_process_passes = 20

    def url_converter(self, *args: Any, **kwargs: Any) -> Callable[[re.Match[str]], str]:
        """Skip comments: their types name modules in cycles, which no number of passes resolves."""
        convert = super().url_converter(*args, **kwargs)
        return lambda found: found["matched"] if _in_comment(found) else convert(found)

    def url(self, name: Any, force: bool = True) -> str:
        """Return the hashed URL, in DEBUG too: development serves what production serves."""
        return str(super().url(name, force))


def _in_comment(found: re.Match[str]) -> bool:
    opened = found.string.rfind("/*", 0, found.start())
    return opened >= 0 and found.string.find("*/", opened, found.start()) < 0


def with_static_files(application: Any) -> Any:
    """Serve ``STATIC_ROOT`` below ``STATIC_URL`` in front of an ASGI application."""
    with warnings.catch_warnings():
        # The directory may not exist yet; nginx may serve the files instead.
        warnings.simplefilter("ignore")
        return ServeStaticASGI(
            application,
            root=settings.STATIC_ROOT,
            prefix=settings.STATIC_URL,
            allow_all_origins=False,
            add_headers_function=_security_headers,
        )


def _security_headers(headers: Any, path: str, url: str) -> None:
    # As nginx sends them. A file of ours is of no use to another site, and is what its type says.
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
