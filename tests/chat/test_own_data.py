"""Own data: everything that names a person is in it, for the person to read and for programs."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as site_settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import ForeignKey
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat import services
from chat.errors import Held
from chat.models import Filter, ModerationLog, Renaming, Room
from chat.moderation import archives
from chat.moderation.own_data import SECTIONS, own_data
from notifications import services as inboxes
from notifications.models import Broadcast
from realtime.auth import issue_token
from realtime.models import UserSession
from realtime.site import languages
from tests.chat.conftest import Say
from tests.chat.test_erasure import lines, opened, whole

# Every column that names a person, and the section that has it. Without a section: another column
# of the same row, or the log, has it.
COLUMNS = {
    "admin.LogEntry.user": "admin_changes",
    "auth.User_groups.user": "account",
    "auth.User_user_permissions.user": "",
    "chat.Appeal.decided_by": "acts",
    "chat.Appeal.muted": "cases",
    "chat.ReceiptsOff.user": "receipts",
    "chat.Block.blocked": "",  # who blocks them is the secret of the other
    "chat.Block.user": "blocks",
    "chat.Bulk.actor": "acts",
    "chat.Bulk.author": "moderation",
    "chat.BulkAuthor.author": "moderation",
    "chat.Case.assigned_to": "",  # which case a moderator looks at now
    "chat.Case.author": "cases",
    "chat.Case.closed_by": "acts",
    "chat.DisplaySettings.user": "display",
    "chat.Erasure.user": "",  # of an account that nobody can use
    "chat.Filter.created_by": "filters",
    "chat.HeldPost.author": "held_posts",
    "chat.HeldText.hidden_by": "acts",
    "chat.InviteLink.created_by": "invite_links",
    "chat.InviteLink.revoked_by": "acts",
    "chat.Membership.invited_by": "",  # of memberships of others
    "chat.Membership.user": "memberships",
    "chat.Mention.user": "mentions",
    "chat.Message.author": "messages",
    "chat.ModerationLog.actor": "acts",
    "chat.ModerationLog.subject": "moderation",
    "chat.PersonNote.author": "acts",
    "chat.PersonNote.subject": "",  # what moderators tell each other, until the person is erased
    "chat.RaidMode.changed_by": "acts",
    "chat.ReasonTemplate.changed_by": "acts",
    "chat.RemovedText.removed_by": "acts",
    "chat.Renaming.user": "renamings",
    "chat.Report.assigned_to": "",  # which case a moderator looks at now
    "chat.Report.author": "cases",
    "chat.Report.closed_by": "acts",
    "chat.Report.reporter": "reports",
    "chat.Revision.by": "cases",
    "chat.Room.created_by": "rooms",
    "chat.SignUpRequest.user": "account",
    "chat.SiteBan.created_by": "acts",
    "chat.SiteBan.lifted_by": "acts",
    "chat.SiteBan.user": "bans",
    "chat.SiteMute.created_by": "acts",
    "chat.SiteMute.user": "mutes",
    "chat.Trace.user": "traces",
    "chat.UsernameLook.user": "",  # computed from the username
    "notifications.AnnouncementReading.user": "announcements",
    "notifications.Broadcast.created_by": "broadcasts",
    "notifications.BroadcastEdit.edited_by": "broadcasts",
    "notifications.Notification.actor": "",  # of notifications of others
    "notifications.Notification.user": "notifications",
    "notifications.Preferences.user": "preferences",
    "realtime.AccessToken.user": "tokens",
    "realtime.ReaderLanguage.user": "account",
    "realtime.Revocation.user": "sign_outs",
    "realtime.UserSession.user": "sessions",
}


def test_every_column_that_names_a_person_is_in_it_or_has_a_reason() -> None:
    """Add a column of a new table here and, unless there is a reason, to ``own_data.SECTIONS``."""
    ours = {"admin", "auth", "chat", "notifications", "realtime"}
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ours and not model._meta.proxy
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey)
        and field.concrete
        and field.related_model._meta.label == site_settings.AUTH_USER_MODEL
    }
    assert found == set(COLUMNS)
    assert set(COLUMNS.values()) - {""} <= {section.name for section in SECTIONS}


@pytest.fixture
def life(
    general: Room, secret: Room, direct: Room, alice: User, bob: User, mona: User, say: Say
) -> User:
    """Bob, who has done everything that leaves a row."""
    removed = say(bob, general, "removed text")
    services.report(actor_id=alice.pk, message_id=removed.pk, category="abuse")
    services.decide(actor_id=mona.pk, message_id=removed.pk, status="resolved", reason="off topic")
    accused = say(bob, general, "reported text")
    services.report(actor_id=alice.pk, message_id=accused.pk, category="spam")
    say(bob, direct, "<b>direct</b> text")
    greeting = say(alice, general, "Hello @bob")
    services.report(actor_id=bob.pk, message_id=greeting.pk, category="other", note="my note")
    services.react(actor_id=bob.pk, message_id=greeting.pk, emoji="👍", on=True)
    services.block(actor_id=bob.pk, user_id=mona.pk)
    services.set_receipts(user_id=bob.pk, on=False)
    inboxes.set_preferences(user_id=bob.pk, desktop_off=["reaction"])
    services.set_display(user_id=bob.pk, theme="dark")
    own = services.create_room(actor_id=bob.pk, name="Of Bob").room
    services.make_invite_link(actor_id=bob.pk, room_id=own.pk, seconds=3600, max_uses=5)
    services.ban(actor_id=bob.pk, room_id=own.pk, user_id=alice.pk, reason="my reason")
    services.save_filter(actor_id=mona.pk, text="coin", kind="word", action="hold", is_on=True)
    with pytest.raises(Held):
        say(bob, general, "a held coin")
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=3600, reason="louder")
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="threats")
    services.sign_out_everywhere(actor_id=mona.pk, user_id=bob.pk, reason="lost phone")
    inboxes.broadcast(**announcement())
    services.rename(user_id=bob.pk, first_name="Robert")
    Filter.objects.create(text="pills", created_by=bob)
    Broadcast.objects.update(created_by=bob)
    LogEntry.objects.create(user=bob, object_repr="a change", action_flag=CHANGE)
    languages.remember(bob.pk, "de")
    issue_token(bob)
    UserSession.objects.create(user=bob, session_id="a" * 32, last_seen_at=timezone.now())
    Renaming.objects.get_or_create(user=bob)
    return bob


def announcement() -> dict[str, Any]:
    from notifications.policies import Words
    from notifications.queries import Audience

    return {
        "words": Words(title="News", body="Text", url="", level="info"),
        "audience": Audience(everybody=True),
    }


def test_each_section_has_what_is_theirs(life: User) -> None:
    from notifications.models import Announcement

    row = Announcement.objects.get()
    inboxes.read_announcement(user_id=life.pk, announcement_id=row.pk)
    out = io.BytesIO()
    archives.write(own_data(life), out)
    found = opened(out.getvalue())
    page = found["index.html"].decode()
    for section in SECTIONS:
        rows = lines(found[f"{section.name}.jsonl"])
        assert rows, section.name
        assert f"<h2>{section.title}</h2>" in page
    texts = {row["text"] for row in lines(found["messages.jsonl"])}
    assert texts == {"removed text", "reported text", "<b>direct</b> text"}
    assert "&lt;b&gt;direct" in page
    assert "<b>" not in page
    everything = "".join(data.decode(errors="replace") for data in found.values())
    assert "reported_text" in everything
    (case,) = lines(found["cases.jsonl"])
    assert case["reported_text"] == "removed text", "an open case would warn its author"
    (report,) = lines(found["reports.jsonl"])
    assert (report["note"], report["status"]) == ("my note", "open")
    assert report["created_at"]
    (account,) = lines(found["account.jsonl"])
    assert account["language"] == "de"
    assert lines(found["blocks.jsonl"])[0]["blocked"] == "mona"
    names = "".join(
        found[f"{name}.jsonl"].decode() for name in ("moderation", "cases", "bans", "messages")
    )
    assert "mona" not in names
    assert "alice" not in names


def test_a_user_downloads_their_data_on_the_account_page(
    bob: User, general: Room, say: Say, settings: Settings
) -> None:
    say(bob, general, "text")
    client = Client()
    client.force_login(bob)
    assert "Download your data" in client.get("/accounts/").content.decode()
    assert client.get("/accounts/data/").status_code == 405
    settings.HOLDFAST_OWN_DATA_PER_DAY = 1
    answer = client.post("/accounts/data/")
    found = opened(whole(answer))
    assert lines(found["messages.jsonl"])[0]["text"] == "text"
    entry = ModerationLog.objects.get()
    assert (entry.action, entry.actor, entry.subject) == ("export", bob, bob)
    refused = client.post("/accounts/data/", follow=True)
    assert "downloaded your data 1 times in 24 hours" in refused.content.decode()
    assert Client().post("/accounts/data/")["Location"].startswith("/accounts/login/")


def test_the_command_exports_a_deactivated_account_too(
    bob: User, mona: User, tmp_path: Path
) -> None:
    services.deactivate(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    file = tmp_path / "bob.zip"
    call_command("person_export", "bob", file, stdout=io.StringIO())
    with zipfile.ZipFile(file) as archive:
        assert "index.html" in archive.namelist()
    assert ModerationLog.objects.filter(action="export").count() == 1


def test_nothing_is_logged_before_it_is_done(
    bob: User, general: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "there.zip"
    file.write_bytes(b"something")
    for command, of in (("person_export", "bob"), ("archive", "general")):
        options = {"open": True} if command == "archive" else {}
        with pytest.raises(CommandError, match="exists already"):
            call_command(command, of, file, **options)
        with pytest.raises(CommandError, match="cannot be written"):
            call_command(command, of, tmp_path / "no" / "folder.zip", **options)
    with pytest.raises(CommandError, match="no person nobody"):
        call_command("person_export", "nobody", tmp_path / "x.zip")

    def full(*_args: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(archives, "write", full)
    with pytest.raises(OSError, match="no space left"):
        call_command("person_export", "bob", tmp_path / "x.zip")
    assert file.read_bytes() == b"something"
    assert not (tmp_path / "x.zip").exists()
    assert not ModerationLog.objects.exists()
