"""Static files: hashed names, imports of ES modules included, and the server that sends them."""

import re
import warnings
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from servestatic import ServeStaticASGI


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Names with a hash of the contents, so that a browser may keep a file for ever and a deploy needs no cache to be emptied."""

    # Rewrites `import … from "./socket.js"` too: no build step.
    support_js_module_import_aggregation = True
    # One for each step of the longest chain of imports; Django allows 5.
    max_post_process_passes = 20

    def url_converter(self, *args: Any, **kwargs: Any) -> Callable[[re.Match[str]], str]:
        """Leave comments alone: types and examples in them name modules in cycles, which no number of passes can resolve."""
        convert = super().url_converter(*args, **kwargs)
        return lambda found: found["matched"] if _in_comment(found) else convert(found)

    def url(self, name: Any, force: bool = True) -> str:
        """Return the hashed address, in DEBUG too: what is developed is what is served."""
        return str(super().url(name, force))


def _in_comment(found: re.Match[str]) -> bool:
    opened = found.string.rfind("/*", 0, found.start())
    return opened >= 0 and found.string.find("*/", opened, found.start()) < 0


def with_static_files(application: Any) -> Any:
    """Wrap an ASGI application: addresses below ``STATIC_URL`` are answered from ``STATIC_ROOT``, everything else by it."""
    with warnings.catch_warnings():
        # No directory yet: `manage.py collectstatic` has not run, and nginx may serve the files
        # anyway.
        warnings.simplefilter("ignore")
        return ServeStaticASGI(
            application,
            root=settings.STATIC_ROOT,
            prefix=settings.STATIC_URL,
            allow_all_origins=False,
        )
