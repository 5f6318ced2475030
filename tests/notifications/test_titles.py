"""A title is stored in English and shown in the language of whoever reads it."""

import re

import pytest
from django.utils import timezone
from django.utils.translation import override

from notifications.titles import SENTENCES, renamed, translated
from tests.architecture.source import ROOT


@pytest.mark.parametrize(
    ("kind", "title", "german"),
    [
        ("mention", "Alice mentioned you in Lab", "Alice hat dich in Lab erwähnt"),
        ("mention", "Alice mentioned you", "Alice hat dich erwähnt"),
        (
            "reaction",
            "Alice, Bob and 4 others reacted to your message in Lab",
            "Alice, Bob und 4 weitere haben in Lab auf deine Nachricht reagiert",
        ),
        (
            "reaction",
            "Alice and Bob reacted to your message",
            "Alice und Bob haben auf deine Nachricht reagiert",
        ),
        (
            "moderation",
            "Lab: a moderator muted you",
            "Lab: Die Moderation hat dich stummgeschaltet",
        ),
        (
            "moderation",
            "Alice made you the owner of Lab",
            "Alice hat dir die Leitung von Lab übergeben",
        ),
        ("moderation", "What no sentence says", "What no sentence says"),
        ("broadcast", "Alice mentioned you", "Alice mentioned you"),
        (
            "mention",
            "%(name)s (.*) mentioned you in 100 %s",
            "%(name)s (.*) hat dich in 100 %s erwähnt",
        ),
    ],
)
def test_a_title_is_said_in_the_readers_language(kind: str, title: str, german: str) -> None:
    with override("de"):
        assert translated(kind, title) == german
    with override("en"):
        assert translated(kind, title) == title


@pytest.mark.parametrize(
    ("language", "zone", "said"),
    [
        ("en", "UTC", "Lab: a moderator muted you until 24 Nov 2026, 23:30 UTC"),
        ("en", "Europe/Berlin", "Lab: a moderator muted you until 25 Nov 2026, 00:30"),
        (
            "de",
            "Europe/Berlin",
            "Lab: Die Moderation hat dich bis 25. Nov 2026, 00:30 stummgeschaltet",
        ),
    ],
)
def test_a_time_is_said_by_the_readers_clock(language: str, zone: str, said: str) -> None:
    with override(language), timezone.override(zone):
        assert (
            translated("moderation", "Lab: a moderator muted you until 24 November 2026, 23:30 UTC")
            == said
        )
        assert (
            "until soon"
            in translated("moderation", "A moderator muted you in all rooms until soon")
            or language == "de"
        )


def test_a_title_keeps_its_time_with_another_name() -> None:
    title = "Lab: a moderator muted you until 24 November 2026, 23:30 UTC"
    assert renamed("moderation", title, "Robert") == title
    assert (
        renamed("moderation", "Bob made you the owner of Lab", "Robert")
        == "Robert made you the owner of Lab"
    )


def test_the_scripts_know_the_same_sentences() -> None:
    words = (ROOT / "notifications" / "static" / "notifications" / "words.js").read_text()
    shown = words.partition("export const sentences")[2]
    kinds = re.findall(r"^  (\w+): \[(.*?)\],$", shown, re.MULTILINE | re.DOTALL)
    assert {
        kind: re.findall(r"gettext\(\s*'(.*?)',?\s*\)", listed) for kind, listed in kinds
    } == SENTENCES
