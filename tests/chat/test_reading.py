"""Read numbers: forwards only, known to all tabs of the reader, and no change of the room."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Membership, Room
from chat.services import Marked, ReadMark
from realtime.protocol.errors import Forbidden, NotFound
from tests.chat.conftest import Say, membership
from tests.conftest import make_user
from tests.support.replay import Verify


@pytest.fixture
def five(general: Room, alice: User, say: Say) -> Room:
    """General with five messages of Alice."""
    for number in range(5):
        say(alice, general, f"message {number}")
    return general


def read(user: User, room: Room, number: int) -> Marked | Exception:
    return services.mark_read([ReadMark(user_id=user.pk, room_id=room.pk, number=number)])[0]


def test_reading_changes_only_the_inbox_of_the_reader(
    verify: Verify, five: Room, bob: User
) -> None:
    with verify() as change:
        assert read(bob, five, 3) == Marked(unread=2, number=3, moved=True, has_receipts=False)
    assert change.streams == [f"inbox.{bob.pk}"]
    assert change.data(f"inbox.{bob.pk}")[0]["read_number"] == 3


def test_a_number_never_goes_back(verify: Verify, five: Room, bob: User) -> None:
    read(bob, five, 4)
    with verify() as change:
        for number in (4, 2, 0):
            assert read(bob, five, number) == Marked(
                unread=1, number=4, moved=False, has_receipts=False
            )
    assert change.streams == []


def test_nothing_is_read_that_was_not_written(five: Room, bob: User) -> None:
    assert read(bob, five, 2**63 - 1) == Marked(unread=0, number=5, moved=True, has_receipts=False)
    assert membership(five, bob).read_number == 5


def test_the_room_does_not_show_how_far_its_members_have_read(
    verify: Verify, five: Room, alice: User, bob: User
) -> None:
    read(bob, five, 5)
    with verify() as change:
        services.set_role(actor_id=alice.pk, room_id=five.pk, user_id=bob.pk, role="moderator")
    assert "read_number" not in change.data(f"room.{five.pk}")[0]
    with verify():
        read(alice, five, 5)


def test_many_marks_are_one_transaction(
    verify: Verify, five: Room, secret: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    say(alice, secret, "Hello")
    marks = [
        ReadMark(user_id=user.pk, room_id=room_id, number=number)
        for user, room_id, number in [
            (bob, five.pk, 2),
            (bob, five.pk, 4),
            (bob, five.pk, 3),
            (alice, secret.pk, 1),
            (charlie, five.pk, 1),
            (charlie, secret.pk, 1),
            (bob, 10**30, 1),
        ]
    ]
    with verify() as change:
        answers = services.mark_read(marks)
    assert [
        answer.number if isinstance(answer, Marked) else type(answer) for answer in answers
    ] == [
        *(4, 4, 4),  # as it is after all of them
        1,
        Forbidden,  # a public room that Charlie could join
        NotFound,  # a private one, of which Charlie knows nothing
        NotFound,
    ]
    # One change of the row takes one number.
    assert [data["read_number"] for data in change.data(f"inbox.{bob.pk}")] == [4]


def test_a_former_member_reads_nothing(five: Room, secret: Room, bob: User) -> None:
    Membership.objects.filter(user=bob).update(state="removed")
    assert isinstance(read(bob, five, 1), Forbidden)
    assert isinstance(read(bob, secret, 1), NotFound)


def test_the_number_of_queries_does_not_depend_on_the_number_of_readers(five: Room) -> None:
    people = [make_user(f"user{number}") for number in range(30)]
    services.add_members(room_id=five.pk, user_ids=[user.pk for user in people])
    Membership.objects.update(read_number=0)
    services.mark_read([])
    counts = []
    for readers in (people[:1], people[1:]):
        with CaptureQueriesContext(connection) as queries:
            services.mark_read(
                [ReadMark(user_id=user.pk, room_id=five.pk, number=5) for user in readers]
            )
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 7
