"""Frames as bytes: the fast path returns the text that was sent, and skips all else."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.websocket_frames import PONG, after_pong, framed, shortened, whole_text

LIMIT = 65_536


def masked(text: bytes, mask: bytes, *, first: int = 0x81) -> bytes:
    """Frame a text as a client does."""
    length = len(text)
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, length)
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))


texts = st.one_of(st.binary(max_size=200), st.integers(0, 70_000).map(lambda length: b"x" * length))
masks = st.binary(min_size=4, max_size=4)


@given(st.lists(st.tuples(st.binary(max_size=300), masks), min_size=1, max_size=5))
def test_whole_texts_are_read_one_after_the_other(sent: list[tuple[bytes, bytes]]) -> None:
    data, at, read = b"".join(masked(text, mask) for text, mask in sent), 0, []
    while at < len(data):
        found = whole_text(data, at, LIMIT)
        assert found is not None
        text, at = found
        read.append(text)
    assert read == [text for text, _ in sent]


@given(texts, masks, st.data())
def test_a_frame_that_has_not_come_whole_waits(
    text: bytes, mask: bytes, data: st.DataObject
) -> None:
    frame = masked(text, mask)
    cut = data.draw(st.integers(0, len(frame) - 1))
    assert whole_text(frame[:cut], 0, LIMIT) is None


@pytest.mark.parametrize("first", [0x01, 0x00, 0x80, 0x82, 0x88, 0x89, 0x8A, 0xC1, 0x91])
def test_fragments_binary_control_and_reserved_bits_take_the_long_way(first: int) -> None:
    assert whole_text(masked(b"text", b"mask", first=first), 0, LIMIT) is None


def test_a_frame_without_a_mask_takes_the_long_way() -> None:
    assert whole_text(framed(b"a text of some length"), 0, LIMIT) is None


def test_a_text_above_the_limit_takes_the_long_way() -> None:
    assert whole_text(masked(b"x" * 101, b"mask"), 0, 100) is None
    assert whole_text(masked(b"x" * 65_536, b"mask"), 0, LIMIT) is None


def test_a_length_that_could_have_been_said_shorter_takes_the_long_way() -> None:
    assert whole_text(struct.pack("!BBH", 0x81, 0xFE, 5) + b"mask" + b"hello", 0, LIMIT) is None


@given(texts)
def test_ours_say_their_length(text: bytes) -> None:
    frame = framed(text)
    assert frame.endswith(text)
    assert len(frame) - len(text) == (2 if len(text) < 126 else 4 if len(text) < 65_536 else 10)


def test_an_empty_pong_is_passed_over_when_it_is_whole() -> None:
    pong = PONG + b"mask"
    assert after_pong(pong + b"more", 0) == 6
    assert after_pong(b"more" + pong, 4) == 10
    assert after_pong(pong[:5], 0) == 0
    assert after_pong(masked(b"payload", b"mask", first=0x8A), 0) == 0


def test_a_long_reason_is_cut_between_characters() -> None:
    assert shortened("too slow") == b"too slow"
    assert shortened("ü" * 100) == ("ü" * 61).encode()
