"""Archives as downloads: complete and logged before the first byte is sent."""

from collections.abc import AsyncIterator, Callable, Iterable
from tempfile import TemporaryFile
from typing import IO, Final

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import timezone

from chat.moderation import archives

CHUNK: Final = 65_536  # bytes


def archive_response(
    files: Iterable[archives.File], name: str, *, log: Callable[[str], None]
) -> StreamingHttpResponse:
    """Write an archive to a temporary file, ``log`` its checksum, and return it as a download."""
    out = TemporaryFile()  # noqa: SIM115  closed when it is sent
    try:
        log(archives.write(files, out))
    except BaseException:
        out.close()
        raise
    size = out.tell()
    out.seek(0)
    response = StreamingHttpResponse(_parts(out), content_type="application/zip")
    file_name = f"{name}-{timezone.now():%Y%m%d-%H%M%S}.zip"
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response["Content-Length"] = str(size)
    return response


async def _parts(out: IO[bytes]) -> AsyncIterator[bytes]:
    with out:
        while part := await sync_to_async(out.read)(CHUNK):
            yield part
