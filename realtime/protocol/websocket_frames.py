"""WebSocket frames as bytes (RFC 6455 §5.2): the fast path of sending and receiving.

It covers the frames that the server sends and the simplest that a client sends; autobahn handles
the rest.
"""

import struct
from typing import Final

# FIN and opcode 1: an unfragmented text message, which is nearly every frame of a client.
WHOLE_TEXT: Final = 0x81
MASKED: Final = 0x80
PING: Final = b"\x89\x00"  # without a payload, so the pong has none
PONG: Final = b"\x8a\x80"  # followed by a mask of four bytes
REASON_BYTES: Final = 123  # §5.5: a control frame holds 125 bytes, and the code takes two


def framed(payload: bytes) -> bytes:
    """Return a text message as one unmasked frame."""
    length = len(payload)
    if length < 126:
        return bytes((WHOLE_TEXT, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", WHOLE_TEXT, 126, length) + payload
    return struct.pack("!BBQ", WHOLE_TEXT, 127, length) + payload


def whole_text(data: bytes, at: int, limit: int) -> tuple[bytes, int] | None:
    """Return the unmasked text message at offset ``at`` and the offset of the next frame.

    None for everything else: other frames, incomplete ones, wrong ones, and messages above
    ``limit`` bytes. autobahn handles those.
    """
    if len(data) - at < 6 or data[at] != WHOLE_TEXT or not data[at + 1] & MASKED:
        return None
    length, begin = data[at + 1] ^ MASKED, at + 6
    if length == 127:
        return None
    if length == 126:
        length, begin = data[at + 2] << 8 | data[at + 3], at + 8
        # The shortest form is mandatory (RFC 6455 §5.2).
        if length < 126:
            return None
    end = begin + length
    if length > limit or end > len(data):
        return None
    mask = data[begin - 4 : begin] * (length // 4 + 1)
    plain = int.from_bytes(data[begin:end], "little") ^ int.from_bytes(mask[:length], "little")
    return plain.to_bytes(length, "little"), end


def after_pong(data: bytes, at: int) -> int:
    """Return the offset after a pong to ``PING`` at ``at``, or ``at`` if there is none."""
    return at + 6 if data.startswith(PONG, at) and len(data) >= at + 6 else at


def shortened(reason: str) -> bytes:
    """Return a reason that fits into a close frame, cut between two characters."""
    return reason.encode()[:REASON_BYTES].decode(errors="ignore").encode()
