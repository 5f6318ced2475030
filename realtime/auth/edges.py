"""Values beyond what a column, a date or UTF-8 can hold, wherever a request carries them.

Views check the values that they know of, and name the field. This is for all others, such as a
field of Django's admin: the error of Python or of the database becomes an answer in words.
"""

import logging
from typing import Final

from django.core.exceptions import ValidationError
from django.db import DataError

from realtime.protocol.errors import BadRequest

logger = logging.getLogger(__name__)

# Of a ValueError: psycopg's for a null byte, Python's for a number of thousands of digits, and
# Django's for a word in the place of an id.
_TELLING: Final = (
    *("NUL (0x00)", "null character", "for integer string conversion"),
    "expected a number but got",
)


def beyond_range(error: Exception) -> BadRequest | None:
    """Return the answer to an error that a value of the request has caused; None for others."""
    is_known = isinstance(error, OverflowError | DataError | UnicodeEncodeError | ValidationError)
    if not is_known and not (
        isinstance(error, ValueError) and any(words in str(error) for words in _TELLING)
    ):
        return None
    logger.warning("a value of a request is out of range", exc_info=error)
    return BadRequest(
        "A number, a date or a text of this request is too large, or can't be stored."
        " Check what you typed, or the address, and try again."
    )
