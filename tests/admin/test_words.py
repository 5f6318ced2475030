"""The admin in the moderator's language: sentences and details of the log, and times."""

from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from chat import services
from chat.admin import log_sentences
from chat.models import Bulk, ModerationLog, Report, Room
from chat.moderation import site_bans
from tests.chat.conftest import Say

GERMAN = {"accept-language": "de"}


def entry(action: str, actor: User, **values: Any) -> ModerationLog:
    return ModerationLog.objects.create(action=action, actor=actor, **values)


def test_every_choice_has_german_words() -> None:
    english = [str(label) for kind in (ModerationLog.Action, Bulk.Act) for label in kind.labels]
    with override("de"):
        german = [str(label) for kind in (ModerationLog.Action, Bulk.Act) for label in kind.labels]
    assert [(a, b) for a, b in zip(english, german, strict=True) if a == b] == []


def test_a_sentence_leaves_out_missing_values(general: Room, bob: User, mona: User) -> None:
    rows = [
        entry("export", mona, subject=bob),
        entry("export", mona, room=general),
        entry("export", mona),
        entry("role", mona, subject=bob),
        entry("rename", mona, subject=bob),
        entry("rename", mona, room=general),
    ]
    with override("en"):
        assert [log_sentences.plain(row) for row in rows] == [
            "mona exported data about bob",
            "mona exported data about #general",
            "mona exported data",
            "mona changed the role of bob on the site",
            "mona renamed the account of bob",
            "mona renamed #general",
        ]


def test_an_action_of_another_app_has_a_sentence(mona: User) -> None:
    with override("en"):
        assert log_sentences.plain(entry("brew", mona)) == "mona: brew"


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_every_sentence_has_its_values_in_every_language(language: str) -> None:
    for sentences in log_sentences._SENTENCES.values():
        for sentence in sentences:
            with override("en"):
                expected = log_sentences._names(str(sentence))
            with override(language):
                assert log_sentences._names(str(sentence)) == expected


@pytest.mark.parametrize(
    ("found", "english", "german"),
    [
        ({"from": "member", "to": "owner"}, "From: Member · To: Owner", ["Mitglied", "Leitung"]),
        ({"to": "moderator of the site"}, "To: Site moderator", []),
        (
            {"filter": "pills", "as": "mask", "what": "on"},
            "Filter: pills · Action: mask · Change: Turned on",
            ["pills"],
        ),
        ({"topic": ["", "All"]}, "Topic: — → All", ["— → All"]),
        ({"seconds": 30}, "Duration: 30 seconds", ["30"]),
        ({"seconds": 300}, "Duration: 5\xa0minutes", ["5\xa0Minuten"]),
        ({"seconds": 0}, "Duration: Off", []),
        (
            {"bulk": 2, "act": "delete", "done": 1},
            "Bulk action: 2",
            [],
        ),
        ({"until": "2026-11-24T14:00:00Z"}, "Until: 24 Nov 2026, 15:00", ["24. Nov 2026, 15:00"]),
        ({"until": "tomorrow"}, "Until: tomorrow", ["tomorrow"]),
        ({"of another app": 7}, "of another app: 7", ["of another app: 7"]),
    ],
)
def test_details_are_labelled(found: dict[str, Any], english: str, german: list[str]) -> None:
    with timezone.override("Europe/Berlin"):
        with override("en"):
            assert log_sentences.details(found) == english
        with override("de"):
            assert all(part in log_sentences.details(found) for part in german)


def test_a_ban_names_its_end_by_the_clock_of_the_reader_and_in_utc_on_the_wire() -> None:
    until = datetime(2026, 11, 24, 14, tzinfo=timezone.get_fixed_timezone(60))
    with override("de"), timezone.override("Europe/Berlin"):
        refusal = site_bans.refusal("spam (again) {until}", until)
    assert str(refusal) == (
        "You've been banned until 24 Nov 2026, 13:00 UTC. Reason: spam (again) {until}"
    )
    with timezone.override("Europe/Berlin"):
        assert refusal.message == (
            "You've been banned until 24 Nov 2026, 14:00. Reason: spam (again) {until}"
        )


def test_rows_are_called_in_german(
    desk: Client, general: Room, alice: User, bob: User, say: Say, mona: User
) -> None:
    message = say(bob, general, "Spam")
    services.report(actor_id=alice.pk, message_id=message.pk, category="spam")
    services.deactivate(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    report, logged = Report.objects.get(), ModerationLog.objects.get(action="deactivate")
    with override("de"):  # and back: a request of the test client leaves its language behind
        for model, row, words in [
            ("case", report.case, f"Fall {report.case_id}"),
            ("moderationlog", logged, f"Eintrag {logged.pk} im Protokoll"),
        ]:
            assert (
                words
                in desk.get(
                    f"/admin/chat/{model}/{row.pk if row else 0}/change/", headers=GERMAN
                ).content.decode()
            )
        answer = desk.post(
            f"/admin/chat/case/{report.case_id}/decide/",
            {"decision": "keep"},
            follow=True,
            headers=GERMAN,
        )
        assert f"/admin/chat/case/{report.case_id}/change/" in answer.content.decode()


def test_latin_names_keep_their_place_in_an_arabic_sentence(
    general: Room, bob: User, mona: User
) -> None:
    with override("ar"):
        assert log_sentences.plain(entry("brew", mona)).startswith("\u2068mona\u2069")
        assert "<bdi>bob</bdi>" in log_sentences.sentence(entry("mute", mona, subject=bob))
        assert "\u2068pills\u2069" in log_sentences.details({"filter": "pills"})
    with override("en"):
        assert "\u2068" not in log_sentences.plain(entry("mute", mona, subject=bob, room=general))
