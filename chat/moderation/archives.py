"""ZIP files that are built while they are sent.

Only one page of rows is in memory. The last file is a manifest with the SHA-256 of each file.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db.models import Model, QuerySet

PAGE: Final = 500  # rows read at a time
MANIFEST: Final = "manifest.json"

File = tuple[str, Iterable[bytes]]


class _Sink:
    """Buffers the output of ``ZipFile`` until it is sent."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing; ``ZipFile`` requires the method."""

    def taken(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data


def stream(files: Iterable[File]) -> Iterator[bytes]:
    """Yield the parts of a ZIP of files, each given as its name and its parts."""
    sink = _Sink()
    sums: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, parts in files:
            digest, size = hashlib.sha256(), 0
            with archive.open(name, "w") as entry:
                for part in parts:
                    entry.write(part)
                    digest.update(part)
                    size += len(part)
                    yield sink.taken()
            sums[name] = {"sha256": digest.hexdigest(), "bytes": size}
            yield sink.taken()
        archive.writestr(MANIFEST, as_json({"files": sums}))
    yield sink.taken()


def as_json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1, default=str).encode()


def as_line(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, default=str).encode() + b"\n"


def paged(rows: "QuerySet[Any]", *, key: str = "pk", most: int | None = None) -> Iterator[Any]:
    """Yield rows in the order of an indexed column, reading them page by page."""
    after: Any = None
    left = most
    while left is None or left > 0:
        page = rows.filter(**{f"{key}__gt": after}) if after is not None else rows
        found: list[Model] = list(page.order_by(key)[: PAGE if left is None else min(PAGE, left)])
        yield from found
        if not found or (left is None and len(found) < PAGE):
            return
        after = getattr(found[-1], key)
        left = None if left is None else left - len(found)
