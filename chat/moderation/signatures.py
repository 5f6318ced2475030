"""The site's key, which signs archives: Ed25519, derived from ``SECRET_KEY``.

So every node has it, and nothing more has to be kept. After a rotation of ``SECRET_KEY`` earlier
archives are verified with ``SECRET_KEY_FALLBACKS``, or with the public key, if it was kept.
"""

from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from django.conf import settings

_PURPOSE: Final = b"holdfast archives 1"
_KEY_BYTES: Final = 32


def sign(data: bytes) -> bytes:
    """Return the site's signature of ``data``: 64 bytes."""
    return _key(settings.SECRET_KEY).sign(data)


def public_key() -> bytes:
    """Return the site's public key as PEM, for ``openssl pkeyutl -verify``."""
    key = _key(settings.SECRET_KEY).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def is_signed(data: bytes, signature: bytes, *, pem: bytes | None = None) -> bool:
    """Tell whether ``signature`` was made by this site, or with the key in ``pem``.

    Raises ``ValueError`` if ``pem`` is no public key of this kind.
    """
    return any(_is_by(key, data, signature) for key in _public_keys(pem))


def _public_keys(pem: bytes | None) -> Iterator[Ed25519PublicKey]:
    if pem is None:
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            yield _key(secret).public_key()
        return
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("expected an Ed25519 key")
    yield key


def _is_by(key: Ed25519PublicKey, data: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _key(secret: str) -> Ed25519PrivateKey:
    derived = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(derived)
