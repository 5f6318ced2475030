"""A small world around the real classes: database, unreliable broker, two nodes, slow clients.

Nothing in it waits. Whatever takes time on a real node (a read, a command on its way, a frame on
its way) is a queue here, and someone else decides what happens next: Hypothesis, or a seeded walk.
Violations of an invariant are recorded in ``complaints``.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from realtime.protocol import frames
from realtime.protocol.delivery import Backpressure, Delivery
from realtime.protocol.errors import Reset
from realtime.protocol.flush import FlushPolicy
from realtime.protocol.page import Event, Page
from realtime.protocol.tail import Flush, Tail
from tests.protocol.database import PAGE, Database, Read, Row
from tests.support.follower import Action, Follower

STREAM = "room.42"
IDENTS = 5  # rows of a table: few, so that they are changed again and again
TAIL_EVENTS = 6
TAIL_BYTES = 600  # about as much as seven messages
TOO_LONG_A_HOLE = 12  # the hub gives up a longer one and jumps
SOFT, HARD = 250, 1_000_000
ROUNDS_TO_REST = 25  # one round is a flush, a read, and everything that is on its way


class Node:
    """One process: what the hub does around the pure classes, without a loop."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self.name = name
        self.tail = Tail(database.head, max_events=TAIL_EVENTS, max_bytes=TAIL_BYTES)
        self.policy = FlushPolicy()
        self.clients: list[Client] = []
        self.reads: list[Read] = []
        self.repairing = False
        self.heard: dict[str, int] = {}  # the newest change of each row that this node knows of
        self.floor = 0  # of the database, as this node knows it

    # Incoming

    def hear(self, event: Event) -> None:
        self.tail.ingest(event)
        self.note([event])

    def note(self, events: Iterable[Event]) -> None:
        for event in events:
            self.floor = max(self.floor, event.floor)
            self.heard[event.key] = max(self.heard.get(event.key, 0), event.seq)

    def mind_gap(self) -> None:
        if self.tail.has_gap:
            self.repair()

    def check_head(self) -> None:
        if self.tail.position < self.database.head:
            self.repair()

    def repair(self) -> None:
        if not self.repairing:
            self.repairing = True
            self.reads.append(Read(self.database, self.tail.position, self.repaired))

    def repaired(self, read: Read) -> None:
        self.repairing = False
        try:
            page = read.page()
        except Reset:
            self.tail.jump(read.head)
            return
        if page.head - self.tail.position > TOO_LONG_A_HOLE:
            self.tail.jump(page.head)
            return
        self.tail.repair(page)
        self.note(page.events)
        if page.to < page.head or self.tail.has_gap:
            self.repair()

    # Requests of clients

    def pull(self, client: "Client", after: int) -> None:
        """Answer from memory, or read for this client first."""
        page = self.tail.resume(after, limit=PAGE) if after <= self.tail.position else None
        if page is not None:
            self.answer(client, page)
            return
        client.waiting = True
        session = client.session
        self.reads.append(
            Read(self.database, after, lambda read: self.answer_read(client, session, read))
        )

    def answer_read(self, client: "Client", session: int, read: Read) -> None:
        try:
            page = read.page()
        except Reset:
            if client.session == session:
                client.reset()
            return
        if page.start <= self.tail.position:
            self.tail.repair(page)
            self.note(page.events)
        fit = self.tail.answer(page)
        if client.session == session:
            client.waiting = False
            self.answer(client, fit or Page(read.after, read.after, page.head + 1, ()))

    def answer(self, client: "Client", page: Page) -> None:
        client.delivery.answered(STREAM, page)
        self.check_page(client, page)
        client.receive(frames.pulled(1, STREAM, page))

    # Flushes to clients

    def flush(self, now: float, took: float) -> None:
        if self.policy.delay(now) > 0:
            return
        while (flush := self.tail.take_flush()) is not None:
            for client in self.clients:
                if client.delivery.is_level(STREAM):
                    self.push(client, flush)
        self.policy.flushed(now, now + took)

    def push(self, client: "Client", flush: Flush) -> None:
        if flush.overflow or client.delivery.backpressure(client.unsent) is Backpressure.SKIP:
            client.delivery.fall(STREAM)
            self.tell_behind(client)
            return
        page = Page(flush.start, flush.to, flush.to, flush.events)
        self.check_page(client, page)
        if flush.contiguous:
            client.receive(frames.joined([frames.event(STREAM, event) for event in flush.events]))
        else:
            client.receive(frames.page(STREAM, page))

    def tell_behind(self, client: "Client") -> None:
        for stream in client.delivery.drained(client.unsent):
            client.receive(frames.behind(stream, self.tail.position))

    def check_page(self, client: "Client", page: Page) -> None:
        """An event that no client may be sent."""
        seqs = [event.seq for event in page.events]
        if (
            seqs != sorted(set(seqs))
            or any(not page.start < seq <= page.to for seq in seqs)
            or page.to > page.head
        ):
            client.complaints.append(f"a page out of order: {page}")
        if len(page.events) > PAGE:
            client.complaints.append(f"a page of {len(page.events)} events")
        if page.events and page.start < self.floor:
            client.complaints.append(f"{self.name} sent {page} and knew of the floor {self.floor}")
        for event in page.events:
            if event.seq < self.heard.get(event.key, 0):
                client.complaints.append(
                    f"{self.name} sent {event.key} as of {event.seq}, and knew of "
                    f"{self.heard[event.key]}"
                )


class Client:
    """A client that follows the two rules of the protocol and applies every page."""

    def __init__(self, name: str, snapshots: "list[Read]") -> None:
        self.name = name
        self.snapshots = snapshots
        self.follower = Follower(0)
        self.rows: dict[str, Row] = {}
        self.node: Node | None = None
        self.session = 0
        self.loading = False
        self.complaints: list[str] = []
        self.hang_up()

    # The network

    def connect(self, node: Node) -> None:
        self.node = node
        node.clients.append(self)
        self.commands.append(self.follower.position)

    def hang_up(self) -> None:
        """Lose the connection, with everything that was on its way."""
        if self.node is not None:
            self.node.clients.remove(self)
        self.node = None
        self.session += 1
        self.waiting = False  # a command of this connection is being answered
        self.commands: deque[int] = deque()  # on their way to the node
        self.inbox: deque[bytes] = deque()  # on their way to the client
        self.delivery = Delivery(SOFT, HARD)

    @property
    def unsent(self) -> int:
        return sum(map(len, self.inbox))

    def receive(self, frame: bytes) -> None:
        self.inbox.append(frame)

    def is_level(self) -> bool:
        return self.node is not None and self.delivery.is_level(STREAM)

    def send_command(self) -> bool:
        """Let one command reach the node; those of one connection are answered in order."""
        if self.node is None or self.waiting or not self.commands:
            return False
        self.node.pull(self, self.commands.popleft())
        return True

    # The client

    def begin_snapshot(self, database: Database) -> None:
        self.loading = True
        self.snapshots.append(Read(database, 0, self.load_snapshot))

    def reset(self) -> None:
        """Throw everything away, as the server asks."""
        assert self.node is not None
        database = self.node.database
        self.hang_up()
        self.begin_snapshot(database)

    def load_snapshot(self, read: Read) -> None:
        """Begin with what was read: the head first, so some rows may be newer than it."""
        self.loading = False
        self.follower = Follower(read.head)
        self.rows = {
            event.key: msgspec.json.decode(event.body)
            for event in read.rows
            if event.body is not None
        }

    def read_frame(self) -> bool:
        if self.node is None or not self.inbox:
            return False
        found = msgspec.json.decode(self.inbox.popleft())
        for item in found if isinstance(found, list) else [found]:
            self.handle(item)
        self.node.tell_behind(self)
        return True

    def handle(self, item: dict[str, Any]) -> None:
        match item["type"]:
            case "event":
                self.handle_event(item)
            case "page":
                self.handle_page(item)
            case "reply":
                self.handle_page(item["data"])
            case "behind":
                self.pull()

    def handle_event(self, item: dict[str, Any]) -> None:
        match self.follower.event(item["seq"]):
            case Action.APPLY:
                self.apply(item)
            case Action.PULL:
                self.complaints.append(f"a gap from {self.follower.position} to {item['seq']}")
                self.pull()

    def handle_page(self, item: dict[str, Any]) -> None:
        action, more = self.follower.page(item["from"], item["to"], item["head"])
        if action is Action.APPLY:
            for event in item["events"]:
                self.apply(event)
        else:
            self.complaints.append(f"a page from {item['from']} above {self.follower.position}")
        if more:
            self.pull()

    def apply(self, event: dict[str, Any]) -> None:
        self.rows[f"{event['kind']}:{event['data']['id']}"] = {
            name: event[name] for name in ("seq", "kind", "data")
        }

    def pull(self) -> None:
        self.commands.append(self.follower.position)


class World:
    """Everything, and what may happen next.

    Numbers that choose something may be any: they are taken modulo what there is.
    """

    def __init__(self, *, clients: int = 3) -> None:
        self.now = 0.0
        self.database = self.make_database()
        self.nodes = [self.make_node(name) for name in ("socket-1", "socket-2")]
        self.broker: list[tuple[Node, Event]] = []
        self.snapshots: list[Read] = []
        self.clients = [self.make_client(f"client {number}") for number in range(clients)]

    def make_database(self) -> Database:
        return Database()

    def make_node(self, name: str) -> Node:
        return Node(self.database, name)

    def make_client(self, name: str) -> Client:
        return Client(name, self.snapshots)

    @property
    def complaints(self) -> list[str]:
        return [
            f"{client.name}: {complaint}"
            for client in self.clients
            for complaint in client.complaints
        ]

    # Events of the world

    def change(self, table: str, ident: int, *, delete: bool, copies: Sequence[int]) -> None:
        """Commit and publish ``copies`` of the event to each node: 0 is a loss, 2 is a repeat."""
        self._publish(self.database.change(table, ident, delete=delete), copies)

    def remove(self, ident: int, *, copies: Sequence[int]) -> None:
        """Remove the oldest messages for good."""
        self._publish(self.database.remove(ident), copies)

    def _publish(self, event: Event | None, copies: Sequence[int]) -> None:
        if event is not None:
            self.broker += [
                (node, event)
                for node, count in zip(self.nodes, copies, strict=True)
                for _ in range(count)
            ]

    def deliver(self, place: int) -> None:
        """Let one message of the broker arrive, not always the oldest."""
        if self.broker:
            node, event = self.broker.pop(place % min(len(self.broker), 4))
            node.hear(event)

    def read(self, place: int) -> None:
        """Make the next query of one of the reads that are under way."""
        reads = [
            (queue, read)
            for queue in (*[node.reads for node in self.nodes], self.snapshots)
            for read in queue
        ]
        if reads:
            queue, read = reads[place % len(reads)]
            if len(read.missing) == 1:
                queue.remove(read)  # before it ends, because the next one may begin then
            read.step()

    def repair(self, place: int) -> None:
        self.nodes[place % 2].mind_gap()

    def check_head(self, place: int) -> None:
        self.nodes[place % 2].check_head()

    def flush(self, place: int, *, took: float) -> None:
        self.now += 0.1
        self.nodes[place % 2].flush(self.now, took)

    def send_command(self, place: int) -> None:
        self.clients[place % len(self.clients)].send_command()

    def read_frame(self, place: int) -> None:
        self.clients[place % len(self.clients)].read_frame()

    def cut_or_connect(self, place: int, node: int) -> None:
        client = self.clients[place % len(self.clients)]
        if client.node is not None:
            client.hang_up()
        elif not client.loading:
            client.connect(self.nodes[node % 2])

    def load_snapshot(self, place: int) -> None:
        """Let someone who is away throw everything away and load a snapshot."""
        client = self.clients[place % len(self.clients)]
        if client.node is None and not client.loading:
            client.begin_snapshot(self.database)

    # How it ends

    def come_to_rest(self) -> list[str]:
        """Let everything arrive, the head checks run and everyone come back.

        Return what is wrong then, and what was wrong before.
        """
        for _ in range(ROUNDS_TO_REST):
            self.now += 10
            while self.broker:
                self.deliver(0)
            for place, node in enumerate(self.nodes):
                node.check_head()
                node.mind_gap()
                self.flush(place, took=0)
            while any(node.reads for node in self.nodes) or self.snapshots:
                self.read(0)
            for client in self.clients:
                if client.node is None and not client.loading:
                    client.connect(self.nodes[0])
                while client.read_frame() or client.send_command():
                    pass
        return self.complaints + [
            wrong for client in self.clients if (wrong := self._unlike(client))
        ]

    def _unlike(self, client: Client) -> str:
        wanted = self.database.state()
        different = [
            key
            for key in wanted.keys() | client.rows.keys()
            if wanted.get(key) != client.rows.get(key)
            # A removed row may stay where it was seen, in its last state.
            and self.database.removed.get(key) != client.rows.get(key, {}).get("seq")
        ]
        if not different and client.follower.position == self.database.head and client.is_level():
            return ""
        return (
            f"{client.name} is at {client.follower.position} of {self.database.head}, level: "
            f"{client.is_level()}, other rows: {different}"
        )
