"""WebSocket frames as bytes (RFC 6455 §5.2): those that we send, and the plainest that a client sends. The rest is autobahn's."""

import struct
from typing import Final

# The last fragment of a text message, and the first: nearly every frame that a client sends.
WHOLE_TEXT: Final = 0x81
MASKED: Final = 0x80
PING: Final = b"\x89\x00"  # without a payload, so that the answer has none
PONG: Final = b"\x8a\x80"  # and a mask
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
    """Return the text message of at most ``limit`` bytes whose one frame stands at ``at``, unmasked, and where the next frame begins.

    None for everything else: other frames, frames that have not come whole, wrong ones. Whoever knows the whole RFC looks at those.
    """
    if len(data) - at < 6 or data[at] != WHOLE_TEXT or not data[at + 1] & MASKED:
        return None
    length, begin = data[at + 1] ^ MASKED, at + 6
    if length == 127:
        return None
    if length == 126:
        length, begin = data[at + 2] << 8 | data[at + 3], at + 8
        if length < 126:  # could have been said shorter, and so had to be
            return None
    end = begin + length
    if length > limit or end > len(data):
        return None
    mask = data[begin - 4 : begin] * (length // 4 + 1)
    plain = int.from_bytes(data[begin:end], "little") ^ int.from_bytes(mask[:length], "little")
    return plain.to_bytes(length, "little"), end


def after_pong(data: bytes, at: int) -> int:
    """Return where the next frame begins, behind an answer to ``PING`` that may stand at ``at``."""
    return at + 6 if data.startswith(PONG, at) and len(data) >= at + 6 else at


def shortened(reason: str) -> bytes:
    """Return a reason that fits into a close frame, cut between characters."""
    return reason.encode()[:REASON_BYTES].decode(errors="ignore").encode()
