"""ZIP files that are written page by page, and that prove themselves.

``manifest.json`` has the SHA-256 of each file, and ``manifest.sig`` is the site's signature of it.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, Final

from django.db.models import Model, QuerySet

from chat.moderation import signatures

PAGE: Final = 500  # rows read at a time
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
PUBLIC_KEY: Final = "public_key.pem"
CHUNK: Final = 1 << 20  # bytes read at a time for a checksum

File = tuple[str, Iterable[bytes]]


class UnreadableArchive(Exception):
    """A file is no archive, or not as it was written."""


def write(files: Iterable[File], out: IO[bytes]) -> str:
    """Write files, each given as its name and its parts. Returns the SHA-256 of the manifest."""
    sums: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in files:
            digest, size = hashlib.sha256(), 0
            with archive.open(name, "w", force_zip64=True) as entry:
                for part in parts:
                    entry.write(part)
                    digest.update(part)
                    size += len(part)
            sums[name] = {"sha256": digest.hexdigest(), "bytes": size}
        manifest = as_json({"files": sums})
        archive.writestr(MANIFEST, manifest)
        archive.writestr(SIGNATURE, signatures.sign(manifest))
        archive.writestr(PUBLIC_KEY, signatures.public_key())
    return hashlib.sha256(manifest).hexdigest()


def read_manifest(archive: zipfile.ZipFile) -> bytes:
    """Return the manifest after comparing every file with it. Raises ``UnreadableArchive``."""
    try:
        manifest = archive.read(MANIFEST)
        files = json.loads(manifest)["files"]
        expected = {name: entry["sha256"] for name, entry in files.items()}
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise UnreadableArchive(f"{MANIFEST} is missing or unreadable: {error}") from error
    names = archive.namelist()
    if unknown := sorted(set(names) - {*expected, MANIFEST, SIGNATURE, PUBLIC_KEY}):
        raise UnreadableArchive(f"{unknown[0]} is not in {MANIFEST}")
    if len(names) != len(set(names)):
        raise UnreadableArchive("a file is in it twice")
    for name, checksum in expected.items():
        digest = hashlib.sha256()
        try:
            with archive.open(name) as file:
                while part := file.read(CHUNK):
                    digest.update(part)
        except (KeyError, zipfile.BadZipFile) as error:
            raise UnreadableArchive(f"{name} is missing or unreadable: {error}") from error
        if digest.hexdigest() != checksum:
            raise UnreadableArchive(f"{name} is not as it was written")
    return manifest


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


def chunks(rows: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """Yield the rows in lists of a page each."""
    left = iter(rows)
    while found := list(islice(left, PAGE)):
        yield found
