"""The tree of errors. Each class has a ``code`` of the protocol.

Consumers and views turn an error into a reply, a close or an HTTP response.

HoldfastError
├── BadRequest            bad_request          400   names the field
├── UnknownCommand        unknown_command      400
├── NotAuthenticated      not_authenticated    401
├── Forbidden             forbidden            403
├── NotFound              not_found            404
├── Reset                 reset                409   data = {"head": N}
├── NotSubscribed         not_subscribed       409
├── TooMany               too_many             429
├── RateLimited           rate_limited         429   retry_after
└── Unavailable           unavailable          503   retry_after

Apps add their own classes (``chat.errors``).
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar


class HoldfastError(Exception):
    """An error that a client receives.

    The message is for a person: written in English with placeholders for ``values``, as in
    ``Forbidden("{name} is banned.", name="bob")``, and translated for its reader. ``retry_after``
    is in seconds; ``data`` is what a program needs to continue.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    # Translates into the active language; set by realtime.apps.
    translate: ClassVar[Callable[[str], str]] = str

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        data: dict[str, Any] | None = None,
        **values: object,
    ) -> None:
        super().__init__(message.format(**values) if values else message)
        self._text = message
        self._values = values
        self.retry_after = retry_after
        self.data = data

    @property
    def message(self) -> str:
        """The text for a person, in the active language."""
        text = HoldfastError.translate(self._text) if self._text else ""
        return text.format(**self._values) if self._values else text

    def as_object(self) -> dict[str, Any]:
        """Return the ``error`` object of a reply or an HTTP answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.retry_after is not None:
            # Rounded up: a client that waits this long must not be refused again.
            error["retry_after"] = math.ceil(self.retry_after * 1000) / 1000
        if self.data is not None:
            error["data"] = self.data
        return error


class BadRequest(HoldfastError):
    """The request is not what the protocol says; the message names the field."""

    code = "bad_request"


class UnknownCommand(HoldfastError):
    """The endpoint has no command of this name."""

    code = "unknown_command"


class NotAuthenticated(HoldfastError):
    """No valid session and no valid token came with an HTTP request."""

    code = "not_authenticated"
    status = 401


class Forbidden(HoldfastError):
    """The caller may know of the object but may not do this with it."""

    code = "forbidden"
    status = 403


class NotFound(HoldfastError):
    """The object does not exist, or the caller may not know of it."""

    code = "not_found"
    status = 404


class Reset(HoldfastError):
    """The client cannot continue from its position and has to load a snapshot."""

    code = "reset"
    status = 409

    def __init__(self, message: str, *, head: int, **values: object) -> None:
        super().__init__(message, retry_after=None, data={"head": head}, head=head, **values)


class NotSubscribed(HoldfastError):
    """A pull names a stream that this socket has not subscribed to."""

    code = "not_subscribed"
    status = 409


class TooMany(HoldfastError):
    """A named limit is reached; the message says which one and how large it is."""

    code = "too_many"
    status = 429


class RateLimited(HoldfastError):
    """Commands come faster than the token bucket refills."""

    code = "rate_limited"
    status = 429


class Unavailable(HoldfastError):
    """The database does not answer: the command ran once or not at all.

    Repeat with the same key.
    """

    code = "unavailable"
    status = 503


def failed() -> Unavailable:
    """Return the error for an unexpected exception, which has been logged."""
    return Unavailable("Something went wrong. Try again in a moment.", retry_after=5.0)
