"""Which requests run, wait or are refused."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.admission import Admission, AdmissionLimits, Ticket, TicketState

LIMITS = AdmissionLimits(
    running=4,
    waiting=6,
    running_of_client=2,
    waiting_of_client=3,
    running_of_address=3,
    waiting_of_address=5,
)


def enter(admission: Admission, client: str, address: str | None = None) -> Ticket:
    return admission.enter(client, address)


def test_a_client_runs_two_and_waits_with_three() -> None:
    found = [enter(admission := Admission(LIMITS), "alice")]
    found += [enter(admission, "alice") for _ in range(6)]
    assert Counter(ticket.state for ticket in found) == {
        TicketState.RUNNING: 2,
        TicketState.WAITING: 3,
        TicketState.TOO_MANY: 2,
    }
    assert (admission.running, admission.waiting) == (2, 3)
    assert enter(admission, "bob").state is TicketState.RUNNING


def test_clients_take_turns() -> None:
    admission = Admission(LIMITS)
    running = [enter(admission, who) for who in ("alice", "alice", "carol", "carol")]
    waiting = [enter(admission, "alice") for _ in range(3)] + [enter(admission, "bob")]
    assert all(ticket.state is TicketState.WAITING for ticket in waiting)
    assert admission.leave(running[2]) == [waiting[3]], "Alice has two running"
    assert admission.leave(running[0]) == [waiting[0]]
    assert admission.leave(running[0]) == [], "it has left already"
    assert admission.running == 4


def test_one_address_with_many_accounts_leaves_room_for_others() -> None:
    admission = Admission(LIMITS)
    found = [enter(admission, f"account {n}", "192.0.2.1") for n in range(4)]
    assert [ticket.state for ticket in found] == [TicketState.RUNNING] * 3 + [TicketState.WAITING]
    assert enter(admission, "bob", "192.0.2.2").state is TicketState.RUNNING
    assert admission.leave(found[0]) == [found[3]]


def test_an_address_without_accounts_has_the_limits_of_an_address() -> None:
    admission = Admission(LIMITS)
    found = [enter(admission, "192.0.2.1", "192.0.2.1") for _ in range(9)]
    assert Counter(ticket.state for ticket in found) == {
        TicketState.RUNNING: 2,
        TicketState.WAITING: 5,
        TicketState.TOO_MANY: 2,
    }


def test_a_full_process_refuses() -> None:
    admission = Admission(LIMITS)
    found = [enter(admission, f"account {n}") for n in range(11)]
    assert [ticket.state for ticket in found[4:]] == [TicketState.WAITING] * 6 + [TicketState.FULL]
    admission.leave(found[10])
    admission.leave(found[9])
    assert admission.waiting == 5


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=80))
def test_no_limit_is_ever_passed_and_nothing_is_forgotten(
    steps: list[tuple[int, bool]],
) -> None:
    admission, alive = Admission(LIMITS), list[Ticket]()
    for number, enters in steps:
        if enters or not alive:
            ticket = enter(admission, f"account {number}", f"address {number % 2}")
            if ticket.state in (TicketState.RUNNING, TicketState.WAITING):
                alive.append(ticket)
        else:
            admission.leave(alive.pop(number % len(alive)))
        running = [ticket for ticket in alive if ticket.state is TicketState.RUNNING]
        assert admission.running == len(running) <= LIMITS.running
        assert admission.waiting == len(alive) - len(running)
        of_address = Counter(ticket.address for ticket in running)
        assert max(of_address.values(), default=0) <= LIMITS.running_of_address
    for ticket in alive:
        admission.leave(ticket)
    assert (admission.running, admission.waiting) == (0, 0)
    left = [admission._of_client, admission._of_address, admission._lines]
    assert not any(left)
