"""Reports: any reader of a message can ask moderators to review it."""

import pytest
from django.contrib.auth.models import User

from chat import services
from chat.errors import AlreadyReported
from chat.models import Room
from chat.queries.moderation import reports
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import Say
from tests.support.replay import Verify


def test_a_report_changes_no_stream(
    verify: Verify, general: Room, alice: User, charlie: User, say: Say
) -> None:
    message = say(alice, general, "buy this")
    with verify() as change:
        row = services.report(
            actor_id=charlie.pk, message_id=message.pk, category="spam", note=" look  here "
        )
    assert change.streams == []
    assert (row.status, row.category, row.note, row.reporter_id) == (
        "open",
        "spam",
        "look here",
        charlie.pk,
    )


def test_a_message_is_reported_once_by_each(
    general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    message = say(alice, general, "buy this")
    services.report(actor_id=bob.pk, message_id=message.pk, category="spam")
    services.report(actor_id=charlie.pk, message_id=message.pk, category="abuse")
    with pytest.raises(AlreadyReported):
        services.report(actor_id=bob.pk, message_id=message.pk, category="other")


def test_what_cannot_be_reported(
    secret: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    message = say(alice, secret, "buy this")
    with pytest.raises(NotFound):
        services.report(actor_id=charlie.pk, message_id=message.pk, category="spam")
    with pytest.raises(NotFound):
        services.report(actor_id=bob.pk, message_id=10**30, category="spam")
    with pytest.raises(BadRequest, match="category"):
        services.report(actor_id=bob.pk, message_id=message.pk, category="dull")
    with pytest.raises(BadRequest, match="note"):
        services.report(actor_id=bob.pk, message_id=message.pk, category="spam", note="x" * 1001)
    with pytest.raises(Forbidden, match="report your own message"):
        services.report(actor_id=alice.pk, message_id=message.pk, category="spam")


def test_nobody_fills_the_moderators_list(
    general: Room, alice: User, bob: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_OPEN_REPORTS", 1)
    services.report(actor_id=bob.pk, message_id=say(alice, general, "one").pk, category="spam")
    with pytest.raises(Forbidden, match="1 open"):
        services.report(actor_id=bob.pk, message_id=say(alice, general, "two").pk, category="spam")
