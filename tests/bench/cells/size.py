"""Bytes on the wire, and what compression would make of them."""

import json
import os
import time
import zlib
from dataclasses import replace
from typing import Any

from tests.bench import costs
from tests.bench.cells.cell import Bar, Cell, Contender, Sample, Scale
from tests.bench.load import Load
from tests.bench.servers import Holdfast

READERS = 200
DEFLATE_BITS = 15  # of the window, and level 8 of memory: what servers negotiate unasked


def measure(server: Holdfast, scale: Scale) -> Sample:
    """Measure a message of 100 characters, alone and with others in a frame, against Socket.IO."""
    single = _delivered(server, rate=5, seconds=3)
    batched = _delivered(server, rate=400, seconds=scale.pick(3, 2))
    event = _event(server)
    fields = {name: value for name, value in event.items() if name != "type"}
    socket_io = b"42" + json.dumps(["event", fields], separators=(",", ":")).encode()
    return {
        "bytes": single["bytes"] / single["deliveries"],
        "batched_bytes": batched["bytes"] / batched["deliveries"],
        "batched_frames": batched["frames"] / batched["deliveries"],
        "socket_io_bytes": len(socket_io) + (2 if len(socket_io) < 126 else 4),
        "cpu_us": 0.0,
        **_deflated(json.dumps(event, separators=(",", ":")).encode()),
    }


def _delivered(server: Holdfast, *, rate: float, seconds: float) -> dict[str, Any]:
    crowd = replace(server.chat(READERS, posters=20), rate=rate, closed_loop=False)
    with Load(crowd, server.directory) as load:
        load.connect()
        load.run(1)
        return load.run(seconds)


def _event(server: Holdfast) -> dict[str, Any]:
    code = (
        "from chat.models import Message; from chat import payloads; from realtime.protocol import "
        "frames; "
        f"row = Message.objects.filter(room_id={server.rooms[0]}).select_related('author').last(); "
        "print(frames.event(payloads.stream(row.room_id), payloads.message_event(row)).decode())"
    )
    found: dict[str, Any] = json.loads(server.run_code(code))
    return found


def _deflated(frame: bytes) -> Sample:
    """Measure permessage-deflate on similar frames, with and without context takeover."""
    frames = [frame.replace(b'"seq":', b'"seq":%d' % n) for n in range(2000)]
    before = costs.Group((_own_pid(),)).pss_bytes()
    kept = [zlib.compressobj(6, zlib.DEFLATED, -DEFLATE_BITS, 8) for _ in range(200)]
    for each in kept:
        each.compress(frame)
        each.flush(zlib.Z_SYNC_FLUSH)
    memory = (costs.Group((_own_pid(),)).pss_bytes() - before) / len(kept) / 1024
    staying, seconds = _compressed(frames, fresh=False)
    alone, _ = _compressed(frames, fresh=True)
    return {
        "deflate_bytes": staying,
        "deflate_alone_bytes": alone,
        "deflate_us": seconds * 1e6,
        "deflate_kib": memory,
    }


def _compressed(frames: list[bytes], *, fresh: bool) -> tuple[float, float]:
    context = zlib.compressobj(6, zlib.DEFLATED, -DEFLATE_BITS, 8)
    total, started = 0, time.process_time()
    for frame in frames:
        if fresh:
            context = zlib.compressobj(6, zlib.DEFLATED, -DEFLATE_BITS, 8)
        # RFC 7692 §7.2.1.
        total += len(context.compress(frame)) + len(context.flush(zlib.Z_SYNC_FLUSH)) - 4
    return total / len(frames) + 2, (time.process_time() - started) / len(frames)


def _own_pid() -> int:
    return os.getpid()


SIZE = Cell(
    "bytes",
    "bytes on the wire for a delivered message of 100 characters",
    "",
    {
        "holdfast": Contender(
            lambda directory, _: Holdfast(directory, people=READERS + 20, rooms=1), measure
        )
    },
    (
        Bar(
            "less than Socket.IO's frame of the same fields",
            lambda found: found["holdfast"]["batched_bytes"] < found["holdfast"]["socket_io_bytes"],
        ),
    ),
    most_runs=1,
)

CELLS = (SIZE,)
