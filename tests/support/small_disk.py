"""A disk of a few megabytes that can really be full: a file system in memory; needs root."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.resolver import require_root

BLOCK_BYTES = 64 * 1024


class SmallDisk:
    """A file system at a directory, from ``mount`` to ``unmount``."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        self.directory = directory
        self._megabytes = megabytes

    def mount(self) -> None:
        """Put it over an empty directory."""
        require_root("A file system of its own")
        size = f"size={self._megabytes}m"
        command = ["mount", "-t", "tmpfs", "-o", size, "holdfast", str(self.directory)]
        subprocess.run(command, check=True)

    def unmount(self) -> None:
        """Take it away with everything on it, also where a program still has a file open."""
        subprocess.run(["umount", "--lazy", str(self.directory)], check=False)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no byte free."""
        ballast = self.directory / "ballast"
        try:
            self.fill()
            yield
        finally:
            ballast.unlink(missing_ok=True)

    def fill(self) -> None:
        """Take what is free now."""
        with (self.directory / "ballast").open("ab", buffering=0) as file:
            for size in (BLOCK_BYTES, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Have one for a while."""
    disk = SmallDisk(directory, megabytes)
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()
