"""The desk speaks the moderator's language: what the log says, what its details are called, and when."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from chat import services
from chat.admin import details, log_sentences
from chat.models import Bulk, ModerationLog, Report, Room
from chat.moderation import site_bans
from realtime.models import Ending
from tests.chat.conftest import Say

GERMAN = {"accept-language": "de"}


def entry(action: str, actor: User, **values: Any) -> ModerationLog:
    return ModerationLog.objects.create(action=action, actor=actor, **values)


def test_every_choice_has_german_words() -> None:
    english = [str(label) for kind in (ModerationLog.Action, Bulk.Act) for label in kind.labels]
    with override("de"):
        german = [str(label) for kind in (ModerationLog.Action, Bulk.Act) for label in kind.labels]
    assert [(a, b) for a, b in zip(english, german, strict=True) if a == b] == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["took out data of bob", "took out data in #general", "took out data"]),
        ("de", ["entnahm Daten von bob", "entnahm Daten in #general", "entnahm Daten"]),
    ],
)
def test_what_an_entry_does_not_have_leaves_no_words_behind(
    language: str, said: list[str], general: Room, bob: User, mona: User
) -> None:
    rows = [
        entry("export", mona, subject=bob),
        entry("export", mona, room=general),
        entry("export", mona),
    ]
    with override(language):
        assert [log_sentences.deed(row) for row in rows] == said


@pytest.mark.parametrize(
    ("found", "english", "german"),
    [
        ({"from": "member", "to": "owner"}, "from member, to owner", "von Mitglied, zu Leitung"),
        (
            {"to": "moderator of the site"},
            "to moderator of the site",
            "zu Moderation der ganzen Site",
        ),
        (
            {"filter": "pills", "as": "mask", "what": "on"},
            "filter pills, action mask, switched on",
            "Filter pills, Wirkung: verdecken, eingeschaltet",
        ),
        ({"topic": ["", "All"]}, "topic — → All", "Thema — → All"),
        ({"seconds": 30}, "30 s", "30 s"),
        ({"seconds": 300}, "5\xa0minutes", "5\xa0Minuten"),
        ({"seconds": 0}, "off", "aus"),
        (
            {"bulk": 2, "act": "delete", "done": 1},
            "bulk act 2, remove messages, done: 1",
            "Sammelaktion 2, Nachrichten entfernen, erledigt: 1",
        ),
        ({"until": "2026-11-24T14:00:00Z"}, "until 24 Nov 2026, 15:00", "bis 24. Nov 2026, 15:00"),
        ({"until": "tomorrow"}, "until tomorrow", "bis tomorrow"),
        ({"of another app": 7}, "of another app 7", "of another app 7"),
    ],
)
def test_details_are_said_in_words(found: dict[str, Any], english: str, german: str) -> None:
    with timezone.override("Europe/Berlin"):
        with override("en"):
            assert details.words(found) == english
        with override("de"):
            assert details.words(found) == german


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        ("signed out", "abgemeldet"),
        ("the account was deactivated", "das Konto wurde deaktiviert"),
        ("removed", "Entfernt"),
        ("banned: spam", "gesperrt: spam"),
        (
            "banned: spam (until 24 November 2026, 14:00 UTC)",
            "gesperrt: spam (bis 24. Nov 2026, 15:00)",
        ),
        ("banned: spam (until 24 Nov", "gesperrt: spam (until 24 Nov"),
        ("of another app", "of another app"),
    ],
)
def test_why_an_access_ended_is_said_in_words(reason: str, german: str) -> None:
    with timezone.override("Europe/Berlin"), override("de"):
        assert log_sentences.why(Ending(reason=reason)) == german


def test_a_ban_is_told_by_the_clock_of_the_wire_and_said_by_the_readers() -> None:
    until = datetime(2026, 11, 24, 14, tzinfo=timezone.get_fixed_timezone(60))
    words = site_bans.in_words("spam (again)", until)
    assert words == "banned: spam (again) (until 24 November 2026, 13:00 UTC)"
    assert site_bans.translated(words) == "banned: spam (again) (until 24 Nov 2026, 13:00 UTC)"
    with timezone.override("Europe/Berlin"):
        assert site_bans.translated(words) == "banned: spam (again) (until 24 Nov 2026, 14:00)"


def test_rows_are_called_in_german(
    desk: Client, general: Room, alice: User, bob: User, say: Say, mona: User
) -> None:
    message = say(bob, general, "Spam")
    services.report(actor_id=alice.pk, message_id=message.pk, category="spam")
    services.deactivate(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    report, logged = Report.objects.get(), ModerationLog.objects.get(action="deactivate")
    with override("de"):  # and back: a request of the test client leaves its language behind
        for model, row, words in [
            ("report", report, f"Meldung {report.pk}"),
            ("moderationlog", logged, f"Eintrag {logged.pk} im Protokoll"),
        ]:
            assert (
                words
                in desk.get(
                    f"/admin/chat/{model}/{row.pk}/change/", headers=GERMAN
                ).content.decode()
            )
        answer = desk.post(
            f"/admin/chat/report/{report.pk}/decide/",
            {"decision": "keep"},
            follow=True,
            headers=GERMAN,
        )
        assert f"Meldung {report.pk}</a> ist" in answer.content.decode()
