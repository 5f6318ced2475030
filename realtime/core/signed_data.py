"""Signatures on everything that passes through Redis or RabbitMQ, made with ``SECRET_KEY``.

Without them, anyone who can write to the broker or the cache could put words into a room, or sign
in as another user. A signature hides nothing: the broker still has to be closed to others.
"""

import hashlib
import hmac
from functools import cache
from typing import Any, Final

import msgspec
from django.conf import settings

SIGNED: Final = "signed"  # the type of a message that carries another one
SIGNATURE_BYTES: Final = 16


def sign(purpose: str, data: bytes) -> bytes:
    """Return ``data`` after its signature, which is valid for this purpose only."""
    return _signature(settings.SECRET_KEY, purpose, data) + data


def verified(purpose: str, signed: object) -> bytes | None:
    """Return the data, or None if the signature is not ours. Former secrets are valid too."""
    if not isinstance(signed, bytes):
        return None
    found, data = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(found, _signature(secret, purpose, data)):
            return data
    return None


def sign_message(message: dict[str, Any]) -> dict[str, Any]:
    """Return the channel-layer message that carries ``message``."""
    return {"type": SIGNED, "data": sign("layer", msgspec.msgpack.encode(message))}


def verified_message(message: object) -> dict[str, Any] | None:
    """Return the message inside, or None if no process of the site has sent it."""
    if not isinstance(message, dict) or message.get("type") != SIGNED:
        return None
    data = verified("layer", message.get("data"))
    return None if data is None else msgspec.msgpack.decode(data)


def _signature(secret: str, purpose: str, data: bytes) -> bytes:
    signature = _empty(secret, purpose).copy()
    signature.update(data)
    digest: bytes = signature.digest()
    return digest


@cache
def _empty(secret: str, purpose: str) -> Any:
    # BLAKE2 takes a key of at most 64 bytes; a secret may be longer.
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"holdfast.signed").digest()
    # No purpose contains NUL, so none continues in the data.
    return hashlib.blake2b(purpose.encode() + b"\0", key=key, digest_size=SIGNATURE_BYTES)
