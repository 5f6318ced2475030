"""Files that commands write: new ones, complete or not there at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.core.management.base import CommandError

from realtime.site import private_files


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that does not exist yet. It is removed if it cannot be completed."""
    try:
        out = private_files.create(path)
    except FileExistsError as error:
        raise CommandError(f"FILE: {path} exists already. Choose another name.") from error
    except OSError as error:
        raise CommandError(f"FILE: {path} cannot be written: {error.strerror}.") from error
    with out:
        try:
            yield out
        except BaseException:
            path.unlink(missing_ok=True)
            raise
