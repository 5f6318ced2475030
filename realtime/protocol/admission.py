"""Which requests run, which wait and which are refused, so that no client takes all of a process.

A request belongs to a client (an account, or an address where no account is known) and to an
address. Each of the two may have a limited number running. Clients take turns: one with many
waiting requests delays another by those that run, not by those that wait.
"""

from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum


class TicketState(Enum):
    """Where a request is."""

    RUNNING = "running"
    WAITING = "waiting"
    TOO_MANY = "too many"  # this client has too many waiting
    FULL = "full"  # all clients together have
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Requests of one process that may run and wait, together and of one client or address."""

    running: int
    waiting: int
    running_of_client: int
    waiting_of_client: int
    running_of_address: int
    waiting_of_address: int


@dataclass(slots=True, eq=False)
class Ticket:
    """One request.

    ``address`` is None where it is unknown, and the client itself where no account is known.
    """

    client: Hashable
    address: Hashable | None
    state: TicketState = TicketState.WAITING


class Admission:
    """The requests of one process that run or wait."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self.limits = limits
        self.running = 0
        self.waiting = 0
        self._of_client: Counter[Hashable] = Counter()
        self._of_address: Counter[Hashable] = Counter()
        self._lines: dict[Hashable, deque[Ticket]] = {}

    def enter(self, client: Hashable, address: Hashable | None) -> Ticket:
        """Return the ticket of a new request, which runs, waits or is refused."""
        ticket = Ticket(client, address)
        line = self._lines.get(client, ())
        if not line and self._may_run(ticket):
            self._start(ticket)
        elif len(line) >= self._may_wait(ticket):
            ticket.state = TicketState.TOO_MANY
        elif self.waiting >= self.limits.waiting:
            ticket.state = TicketState.FULL
        else:
            self.waiting += 1
            self._lines.setdefault(client, deque()).append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> list[Ticket]:
        """End a request that runs or waits; later calls change nothing.

        Returns those that run from now on.
        """
        if ticket.state is TicketState.WAITING:
            self._stop_waiting(ticket)
        elif ticket.state is TicketState.RUNNING:
            self.running -= 1
            _decrease(self._of_client, ticket.client)
            _decrease(self._of_address, ticket.address)
        ticket.state = TicketState.LEFT
        return self._next()

    def _next(self) -> list[Ticket]:
        """Start what may run; the client of each goes behind the others."""
        started: list[Ticket] = []
        for client in list(self._lines):
            if self.running >= self.limits.running:
                break
            ticket = self._lines[client][0]
            if self._may_run(ticket):
                self._stop_waiting(ticket)
                if client in self._lines:
                    self._lines[client] = self._lines.pop(client)
                self._start(ticket)
                started.append(ticket)
        return started

    def _may_run(self, ticket: Ticket) -> bool:
        limits = self.limits
        return (
            self.running < limits.running
            and self._of_client[ticket.client] < limits.running_of_client
            and (
                ticket.address is None
                or self._of_address[ticket.address] < limits.running_of_address
            )
        )

    def _may_wait(self, ticket: Ticket) -> int:
        if ticket.client == ticket.address:
            return self.limits.waiting_of_address
        return self.limits.waiting_of_client

    def _start(self, ticket: Ticket) -> None:
        ticket.state = TicketState.RUNNING
        self.running += 1
        self._of_client[ticket.client] += 1
        if ticket.address is not None:
            self._of_address[ticket.address] += 1

    def _stop_waiting(self, ticket: Ticket) -> None:
        line = self._lines[ticket.client]
        line.remove(ticket)
        self.waiting -= 1
        if not line:
            del self._lines[ticket.client]


def _decrease(counts: Counter[Hashable], key: Hashable | None) -> None:
    if key in counts:
        counts[key] -= 1
        if counts[key] <= 0:
            del counts[key]
