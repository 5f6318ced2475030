"""Static files: hashed names, including imports of ES modules, and serving them under ASGI."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from servestatic import ServeStaticASGI
from servestatic.compress import Compressor

from realtime.site import bundle

Processed = tuple[str, str, bool] | tuple[str, None, RuntimeError]

SMALLEST_COMPRESSED: Final = 512  # bytes; less fits into one packet with its headers
IMMUTABLE: Final = rf"\.[0-9a-f]{{12}}\.\w+$|/{bundle.FOLDER}[^/]+-[A-Z0-9]{{8}}\.\w+$"
"""Names with a hash of the contents: Django's, and esbuild's. nginx/static.conf has the same."""


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
        if str(name).startswith(bundle.FOLDER):
            return urljoin(str(self.base_url), str(name))
        return str(super().url(name, force))

    def post_process(self, *args: Any, **options: Any) -> Iterator[Processed]:
        """Give all files hashed names, and put a compressed copy beside each.

        The files of the bundle stay as they are: they have hashed names, and import each other by
        them.
        """
        paths: Mapping[str, Any] = args[0]
        bundled = [name for name in paths if name.startswith(bundle.FOLDER)]
        others = {name: found for name, found in paths.items() if name not in bundled}
        yield from super().post_process(others, *args[1:], **options)
        # Developers do not wait for it: their server is on their own machine.
        if not options.get("dry_run") and not settings.DEBUG:
            self._compress([*bundled, *self.hashed_files.values()])

    def _compress(self, names: list[str]) -> None:
        compressor = Compressor(use_zstd=False, quiet=True)
        paths = [
            path
            for path in map(Path, map(self.path, names))
            # The name has a hash of the contents, so an existing copy is up to date.
            if compressor.should_compress(path.name)
            and not path.with_name(f"{path.name}.gz").exists()
            and path.stat().st_size >= SMALLEST_COMPRESSED
        ]
        with ThreadPoolExecutor() as pool:
            list(pool.map(compressor.compress, paths))


def _in_comment(found: re.Match[str]) -> bool:
    opened = found.string.rfind("/*", 0, found.start())
    return opened >= 0 and found.string.find("*/", opened, found.start()) < 0


def with_static_files(application: Any) -> Any:
    """Serve ``STATIC_ROOT`` below ``STATIC_URL`` in front of an ASGI application."""
    bundle.record()  # now: later, the files of the next release may have been collected
    with warnings.catch_warnings():
        # The directory may not exist yet; nginx may serve the files instead.
        warnings.simplefilter("ignore")
        return ServeStaticASGI(
            application,
            root=settings.STATIC_ROOT,
            prefix=settings.STATIC_URL,
            allow_all_origins=False,
            immutable_file_test=IMMUTABLE,
            add_headers_function=_security_headers,
        )


def _security_headers(headers: Any, path: str, url: str) -> None:
    # As nginx sends them. A file of ours is of no use to another site, and is what its type says.
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
