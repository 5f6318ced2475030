"""A proof of work: a browser has to try many numbers before a form is accepted.

It needs no third party, no cookie and no storage. The server signs a seed; the browser looks for a
number so that the SHA-256 of ``seed:number`` begins with so many zero bits. One account costs a
visitor a second in the background, a thousand cost a quarter of an hour of a core.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core import signing
from django.utils.crypto import get_random_string

from realtime.auth.attempts import first_use

VALID_SECONDS: Final = 1800  # to fill in the form
SEED_LENGTH: Final = 22  # characters; seed and number fit into one block of SHA-256
_SALT: Final = "holdfast.proof_of_work"
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Challenge:
    """The work that a page asks for."""

    token: str  # the seed and the bits, signed; it comes back with the answer
    seed: str
    bits: int


def challenge() -> Challenge | None:
    """Return a new challenge, or None if none is asked for."""
    bits: int = settings.HOLDFAST_SIGNUP_WORK
    if not bits:
        return None
    seed = get_random_string(SEED_LENGTH)
    return Challenge(signing.dumps([seed, bits], salt=_SALT), seed, bits)


def is_done(token: str, answer: str) -> bool:
    """Return whether an answer is right, in time and new. With 0 bits every answer is.

    The bits of the token count, so that a change of the setting refuses no open page.
    """
    if not settings.HOLDFAST_SIGNUP_WORK:
        return True
    try:
        seed, bits = signing.loads(token, salt=_SALT, max_age=VALID_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return False
    if not _NUMBER.fullmatch(answer):
        return False
    found = hashlib.sha256(f"{seed}:{answer}".encode()).digest()
    is_right = int.from_bytes(found, "big") >> (len(found) * 8 - bits) == 0
    return is_right and first_use(f"proof_of_work:{seed}", VALID_SECONDS)
