"""Password hashing with a bound: each hash takes 19 MiB, and anyone can order one by signing in.

A few threads of their own hash for the whole process. Further hashes wait in a short queue, without
a database connection; beyond it they are refused with 503. The threads also bound what the C
library keeps: its memory pools belong to threads, and each would keep the 19 MiB of its last hash.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from functools import cache
from threading import Lock
from typing import Final, ParamSpec, TypeVar

from django.conf import settings
from django.contrib.auth import hashers
from django.db import connection

from realtime.core import metrics
from realtime.protocol.errors import Unavailable

RETRY_SECONDS: Final = 3.0

P = ParamSpec("P")
T = TypeVar("T")


class HashQueue:
    """Runs password hashes: so many at a time, so many that wait, each for so long."""

    def __init__(self, *, threads: int, waiting: int, seconds: float) -> None:
        self._most = threads + waiting
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password-hash")
        self._lock = Lock()
        self._number = 0  # running and waiting

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result. Raises ``Unavailable`` if the queue is full or too slow."""
        _give_connection_back()
        with self._lock:
            if self._number >= self._most:
                raise too_busy()
            self._number += 1
        future = self._threads.submit(work, *args, **kwargs)
        future.add_done_callback(self._done)
        try:
            found = future.result(self._seconds)
        except TookTooLong as error:
            future.cancel()
            raise too_busy() from error
        metrics.password_hashes.labels("done").inc()
        return found

    def _done(self, _future: object) -> None:
        with self._lock:
            self._number -= 1


@cache
def hash_queue() -> HashQueue:
    """Return the queue of this process."""
    return HashQueue(
        threads=settings.HOLDFAST_PASSWORD_HASHES,
        waiting=settings.HOLDFAST_PASSWORD_QUEUE,
        seconds=settings.HOLDFAST_PASSWORD_SECONDS,
    )


class Argon2(hashers.Argon2PasswordHasher):
    """Argon2id with OWASP's parameters.

    A hash with other ones, such as Django's, is replaced at the next sign-in.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Hash a new password, in the queue."""
        return hash_queue().run(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Compare a password with its hash, in the queue."""
        return hash_queue().run(super().verify, password, encoded)


class PBKDF2(hashers.PBKDF2PasswordHasher):
    """The hash of accounts from other Django projects, in the same queue."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Hash a password, in the queue; ``verify`` calls it as well."""
        return hash_queue().run(super().encode, password, salt, iterations)


def _give_connection_back() -> None:
    """Return this thread's connection to the pool. SQLite has none, and a test its transaction."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def too_busy() -> Unavailable:
    """Count a refusal, and return its error."""
    metrics.password_hashes.labels("busy").inc()
    return Unavailable(
        "Many people are signing in at the moment. Try again in {seconds} seconds.",
        seconds=round(RETRY_SECONDS),
        retry_after=RETRY_SECONDS,
    )
