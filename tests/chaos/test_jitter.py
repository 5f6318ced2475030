"""The jitter test in small, and whether its light clients count rightly."""

import random
from pathlib import Path

import msgspec
import pytest

from realtime.engine.outbound import Prepared
from tests.chaos.bounds import LOADED
from tests.chaos.jitter import run
from tests.chaos.listeners import Listener, Wire

CLIENTS = 60
SECONDS = 12.0
CAUGHT_UP_SECONDS = 1.0  # 99 of 100 returns
HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


async def test_everything_reaches_everybody_over_bad_networks(tmp_path: Path) -> None:
    outcome = await run(tmp_path / "of jitter", clients=CLIENTS, seconds=SECONDS, seed=7)
    assert outcome.part == 1
    assert outcome.duplicates == 0
    assert len(outcome.returns) >= CLIENTS // 2
    assert outcome.returns[int(0.99 * len(outcome.returns))] < CAUGHT_UP_SECONDS * LOADED


def event(seq: int, number: int) -> dict[str, object]:
    return {
        "type": "event",
        "stream": "room.1",
        "seq": seq,
        "kind": "message",
        "data": {"id": 1, "number": number, "html": "<b>"},
    }


def page(start: int, to: int, head: int, *events: dict[str, object]) -> dict[str, object]:
    return {
        "type": "page",
        "stream": "room.1",
        "from": start,
        "to": to,
        "head": head,
        "events": list(events),
    }


def listener(*objects: dict[str, object] | list[dict[str, object]]) -> Listener:
    found = Listener("127.0.0.1", 1, "a token", 1, random.Random(1), position=10)
    for each in objects:
        found._text(msgspec.json.encode(each))
    return found


def test_what_was_not_sent_is_missing() -> None:
    assert listener([event(11, 1), event(12, 2)]).numbers == {1: 1, 2: 1}
    assert listener(event(11, 1), event(13, 3)).numbers == {1: 1}


def test_what_is_sent_twice_is_a_repeat_and_shown_once() -> None:
    found = listener(event(11, 1), event(11, 1), page(10, 12, 12, event(11, 1), event(12, 2)))
    assert found.numbers == {1: 1, 2: 1}
    assert found.repeats == 2
    assert found.level


def test_a_message_under_two_seqs_is_shown_twice() -> None:
    assert listener(event(11, 1), event(12, 1)).numbers == {1: 2}


def test_a_page_that_is_not_the_last_leaves_the_client_behind() -> None:
    found = listener(
        {
            "type": "reply",
            "id": 1,
            "ok": True,
            "data": {"pages": {"room.1": page(10, 12, 20, event(12, 2))}, "errors": {}},
        }
    )
    assert found.position == 12
    assert not found.level


@pytest.mark.parametrize("size", [1, 3, 100, 1_000_000])
def test_frames_are_found_however_the_bytes_come(size: int) -> None:
    texts = [b"{}", b"x" * 125, b"y" * 126, b"z" * 70_000, b""]
    stream = HANDSHAKE + b"".join(Prepared(text).frame for text in texts)
    heard: list[bytes] = []
    wire = Wire(b"", heard.append, lambda _: None)
    for start in range(0, len(stream), size):
        wire.data_received(stream[start : start + size])
    assert heard == texts
