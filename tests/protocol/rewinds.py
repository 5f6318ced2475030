"""The small world with a database that goes back in time."""

from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

from realtime.protocol.history import (
    Finding,
    KnownHistory,
    ObservedHistory,
    Reported,
    ServerState,
)
from realtime.protocol.page import Event, Page
from realtime.protocol.tail import Ingested, Tail
from tests.protocol.database import Database, Read
from tests.protocol.walk import walk
from tests.protocol.world import TAIL_BYTES, TAIL_EVENTS, Client, Node, World
from tests.support.follower import Follower

# After a restart, the head check comes before a tail has evicted what it held.
CHANGES_TO_A_CHECK = TAIL_EVENTS // 2
PEEK = 400  # earlier states that the database can go back to


class AgingDatabase(Database):
    """A database with an epoch, the reports of nodes, and copies of all its earlier states."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 1
        self.epoch = "e-1"
        self.names = 1
        self.instance = 1
        self.reports: dict[str, int] = {}
        self.copies: list[tuple[Any, ...]] = []

    def keep_copy(self) -> None:
        rows = (self.head, self.floor, self.removed, self.tables)
        state = (rows, self.number, self.epoch, self.reports)
        self.copies = [*self.copies[-PEEK:], deepcopy(state)]

    def change(self, table: str, ident: int, *, delete: bool = False) -> Event | None:
        self.keep_copy()
        return super().change(table, ident, delete=delete)

    def remove(self, ident: int) -> Event | None:
        self.keep_copy()
        return super().remove(ident)

    def report(self, node: str, number: int) -> None:
        self.keep_copy()
        self.reports[node] = number

    def go_back(self, copy: int) -> None:
        """Restart with an older copy; those of the lost history are lost as well."""
        state = self.copies[copy]
        self.copies = self.copies[:copy]
        rows, self.number, self.epoch, self.reports = deepcopy(state)
        self.head, self.floor, self.removed, self.tables = rows

    def observe(self, node: str) -> ObservedHistory:
        server = ServerState(instance=f"start {self.instance}")
        return ObservedHistory(self.number, self.epoch, "", None, server, self.reports.get(node))

    def renew(self, observed: ObservedHistory, known_number: int) -> None:
        if self.epoch == observed.epoch:
            self.names += 1
            self.number = max(self.number, known_number) + 1
            self.epoch = f"e-{self.names}"


class RememberingNode(Node):
    """A node that compares its memory with the database."""

    database: AgingDatabase

    def __init__(self, database: AgingDatabase, name: str) -> None:
        super().__init__(database, name)
        self.known = KnownHistory()
        self.known.adopt(database.observe(name))
        self.reported = Reported()
        self.reported_at = database.head  # the position that the last report vouches for
        self.doubted = False
        self.comparing = False

    @property
    def epoch(self) -> str:
        return self.known.epoch

    def report(self) -> None:
        if self.database.reports.get(self.name, 0) >= self.reported.number:
            self.reported_at = self.tail.position
            self.reported = Reported(self.reported.number + 1)
            self.database.report(self.name, self.reported.number)

    def commit(self, event: Event) -> None:
        """Take in a change of this process: its number cannot have been taken before."""
        if self.tail.ingest(event) is Ingested.OLD and not self.tail.holds_event(event):
            self.doubted = True
        self.note([event])
        self.resolve_doubt()

    def hear(self, event: Event) -> None:
        self.doubted = self.doubted or self.tail.contradicts(event)
        super().hear(event)
        self.resolve_doubt()

    def repaired(self, read: Read) -> None:
        if read.head < read.after:
            self.repairing = False
            self.doubted = True
            return
        before = self.tail.position
        super().repaired(read)
        if self.tail.position == before and self.repairing:
            # A gap that this database does not fill: the next repair is a moment later.
            self.reads.pop()
            self.repairing = False

    def answer_read(self, client: Client, session: int, read: Read) -> None:
        if read.head >= read.after:
            super().answer_read(client, session, read)
            return
        self.doubted = self.doubted or read.after <= self.tail.known
        if client.session == session:
            client.reset()

    def check_head(self) -> None:
        observed = self.database.observe(self.name)
        judgement = self.known.judge(observed, self.reported, may_be_forgotten=False)
        if judgement.finding is Finding.NEW_EPOCH:
            self.drop()
        elif judgement.finding is Finding.REWOUND or self.database.head < self.tail.known:
            self.rewound(observed)
        elif judgement.finding is Finding.DOUBTFUL or self.doubted:
            self.compare(observed)
        else:
            super().check_head()

    def compare(self, observed: ObservedHistory) -> None:
        if self.comparing:
            return
        position, known, self.comparing = self.tail.position, self.tail.known, True

        def compared(read: Read) -> None:
            self.comparing = False
            page = Page(read.after, read.head, read.head, tuple(read.rows))
            if read.after >= read.floor and self.tail.differs(page, position, known):
                self.rewound(observed)
            else:
                self.known.adopt(observed)
                self.doubted = False

        self.reads.append(Read(self.database, self.tail.floor, compared))

    def resolve_doubt(self) -> None:
        """Compare at once: a read is faster than the changes that would evict the evidence."""
        if self.doubted:
            self.check_at_once()

    def check_at_once(self) -> None:
        self.reads.clear()
        self.repairing = self.comparing = False
        self.check_head()
        for read in tuple(self.reads):
            while not read.step():
                pass
        self.reads.clear()
        self.repairing = self.comparing = False
        for client in self.clients:
            if client.waiting:
                client.waiting = False
                client.pull()

    def rewound(self, observed: ObservedHistory) -> None:
        self.database.renew(observed, self.known.number)
        self.drop()

    def drop(self) -> None:
        observed = self.database.observe(self.name)
        self.known.adopt(observed)
        self.reported = Reported()
        self.reads.clear()
        self.repairing = self.comparing = self.doubted = False
        self.heard.clear()
        self.floor = 0
        self.tail = Tail(self.database.head, max_events=TAIL_EVENTS, max_bytes=TAIL_BYTES)
        for client in tuple(self.clients):
            client.hang_up()


class EpochClient(Client):
    """A client that drops its positions when it is greeted with another epoch."""

    def __init__(self, name: str, snapshots: list[Read]) -> None:
        self.epoch = self.epoch_of_snapshot = ""
        super().__init__(name, snapshots)

    def connect(self, node: Node) -> None:
        assert isinstance(node, RememberingNode)
        if self.epoch not in ("", node.epoch):
            self.follower, self.rows = Follower(0), {}
        self.epoch = node.epoch
        super().connect(node)

    def begin_snapshot(self, database: Database) -> None:
        assert isinstance(database, AgingDatabase)
        self.epoch_of_snapshot = database.epoch  # of before the data
        super().begin_snapshot(database)

    def load_snapshot(self, read: Read) -> None:
        self.epoch = self.epoch_of_snapshot
        super().load_snapshot(read)


class RewindingWorld(World):
    """A world in which the database can go back, by a restart or under running nodes."""

    database: AgingDatabase
    nodes: list[RememberingNode]  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.rewinds = 0
        self.changes = 0  # since the last restart
        self.epochs: dict[int, str] = {}  # of the messages of the broker, by identity
        self.events: list[Event] = []

    def make_database(self) -> Database:
        return AgingDatabase()

    def make_node(self, name: str) -> Node:
        return RememberingNode(self.database, name)

    def make_client(self, name: str) -> Client:
        return EpochClient(name, self.snapshots)

    def _publish(self, event: Event | None, copies: Sequence[int]) -> None:
        """Commit on the first node, which knows of it at once, unless it died meanwhile."""
        if event is None:
            return
        if copies[0]:
            self.nodes[0].commit(event)
        super()._publish(event, (max(0, copies[0] - 1), copies[1]))
        self.epochs[id(event)] = self.nodes[0].epoch
        self.events.append(event)  # an identity belongs to one event only while it lives
        self.changes += 1
        if self.changes == CHANGES_TO_A_CHECK:
            for node in self.nodes:
                node.check_at_once()

    def deliver(self, place: int) -> None:
        if self.broker:
            node, event = self.broker.pop(place % min(len(self.broker), 4))
            assert isinstance(node, RememberingNode)
            if self.epochs[id(event)] == node.epoch:
                node.hear(event)

    def report(self, place: int) -> None:
        self.nodes[place % 2].report()

    def go_back(self, place: int, *, restarted: bool) -> None:
        """Lose changes. Under running servers only a copy from before the last reports is older."""
        copies = [
            number
            for number, copy in enumerate(self.database.copies)
            if restarted or self._is_from_before_the_reports(copy)
        ]
        if not copies:
            return
        if restarted and not self.is_remembered:
            return
        self.rewinds += 1
        while restarted and self.broker:  # a restart takes longer than that
            self.deliver(0)
        self.database.go_back(copies[-1 - place % len(copies)])
        if restarted:  # the connections are cut, and every query on them fails
            self.database.instance += 1
            self.changes = 0
            for node in self.nodes:
                node.reads.clear()
                node.repairing = node.comparing = False
            for client in self.clients:
                client.waiting = client.loading = False
                if client.node is not None:
                    client.pull()
            self.snapshots.clear()
        self.forgive()

    @property
    def is_remembered(self) -> bool:
        """Whether nodes know of everything that clients have, also by snapshots."""
        known = max(node.tail.known for node in self.nodes)
        return all(client.follower.position <= known for client in self.clients)

    def _is_from_before_the_reports(self, copy: tuple[Any, ...]) -> bool:
        return all(copy[-1].get(node.name, 0) < node.reported.number for node in self.nodes)

    @property
    def is_agreed(self) -> bool:
        """Whether both nodes follow the history of the database."""
        return all(node.epoch == self.database.epoch and not node.doubted for node in self.nodes)

    def forgive(self) -> None:
        """Until a node has noticed, it may contradict itself."""
        for node in self.nodes:
            node.heard.clear()
        for client in self.clients:
            client.complaints.clear()

    def come_to_rest(self) -> list[str]:
        wrong = super().come_to_rest()
        if self.rewinds == 0 and self.database.names > 1:
            wrong.append("a new epoch without a reason")
        return wrong if self.rewinds == 0 else [each for each in wrong if " is at " in each]


def wander_back(seed: int, steps: int = 250) -> list[str]:
    """Let anything happen for a while; return what is wrong in the end."""
    random = Random(seed)
    world = RewindingWorld()
    return walk(
        world,
        random,
        steps,
        {
            lambda: world.report(random.randrange(2)): 3,
            lambda: world.go_back(random.randrange(40), restarted=random.random() < 0.5): 1,
        },
    )
