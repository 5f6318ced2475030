"""Archives of rooms: written, verified, printed, and read back into a new room."""

import json
import zipfile
from io import StringIO
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from chat import services
from chat.models import Message, ModerationLog, Room
from chat.queries.search import index
from chat.queries.search.query import parse
from chat.text import markdown
from tests.chat.conftest import Say, fresh, membership

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def written(general: Room, alice: User, bob: User, say: Say, tmp_path: Path) -> Path:
    """The archive of a room with an answer, a reaction, a mention and a deletion."""
    first = say(alice, general, "The **first** @bob")
    second = say(bob, general, "An <answer>", reply_to=first.pk)
    services.react(actor_id=alice.pk, message_id=second.pk, emoji="👍", on=True)
    gone = say(bob, general, "secret words")
    services.delete_message(actor_id=alice.pk, message_id=gone.pk, reason="spam")
    services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
    file = tmp_path / "general.zip"
    call_command("archive", "general", file, stdout=StringIO())
    return file


def lines(file: Path, name: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        return [json.loads(line) for line in archive.read(name).splitlines()]


def test_it_has_what_members_could_see_and_nothing_else(
    written: Path, alice: User, bob: User
) -> None:
    found = lines(written, "messages.jsonl")
    assert [(line["number"], line["body"], line["reply_to"]) for line in found] == [
        (1, "The **first** @bob", None),
        (2, "An <answer>", 1),
        (3, "", None),
    ]
    assert (found[0]["mentions"], found[1]["reactions"]) == ([bob.pk], {"👍": [alice.pk]})
    assert [line["username"] for line in lines(written, "people.jsonl")] == ["alice", "bob"]
    actions = [line["action"] for line in lines(written, "moderation.jsonl")]
    assert actions[:2] == ["delete", "archive"]
    with zipfile.ZipFile(written) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        assert b"An &lt;answer&gt;" in archive.read("messages.html")
    assert b"secret words" not in everything
    assert ModerationLog.objects.filter(action=ModerationLog.Action.EXPORT).exists()


def test_people_can_read_it(written: Path) -> None:
    out = StringIO()
    call_command("archive", "--read", written, stdout=out)
    shown = out.getvalue().splitlines()
    assert shown[0] == "#general General"
    assert shown[2].startswith("2 > 1 ")
    assert shown[2].endswith("Bob: An <answer>")
    assert shown[3].endswith("Bob: (deleted)")


def test_it_comes_back_as_a_new_room(
    written: Path, general: Room, alice: User, bob: User, tmp_path: Path
) -> None:
    call_command("restore_archive", written, "--owner", "bob", stdout=StringIO())
    room = Room.objects.get(slug="general-restored")
    assert (room.kind, room.last_number, room.archived_at is None) == ("private", 3, False)
    assert membership(room, bob).role == "owner"
    assert index.find(bob.pk, parse("answer in:general-restored")).messages
    again = tmp_path / "again.zip"
    call_command("archive", room.slug, again, stdout=StringIO())
    assert lines(again, "messages.jsonl") == lines(written, "messages.jsonl")


def test_restored_texts_are_rendered_on_threads_of_their_own(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may hold texts that take long; two of one author never run at a time."""
    rendered: list[str] = []
    real = markdown.render

    def render(*args: Any, **options: Any) -> Any:
        rendered.append(current_thread().name.rpartition("_")[0])
        return real(*args, **options)

    monkeypatch.setattr(markdown, "render", render)
    call_command("restore_archive", written, "--owner", "bob", stdout=StringIO())
    assert rendered == ["restore"] * 3


def test_people_who_are_gone_get_accounts_that_cannot_sign_in(
    written: Path, alice: User, bob: User
) -> None:
    bob.username = "robert"
    bob.save()
    call_command("restore_archive", written, "--owner", "alice", stdout=StringIO())
    made = User.objects.get(username="bob")
    assert (made.is_active, made.first_name, made.has_usable_password()) == (False, "Bob", False)
    room = Room.objects.get(slug="general-restored")
    assert Message.objects.get(room=room, number=2).author == made


def test_a_changed_file_and_a_taken_name_are_refused(
    written: Path, general: Room, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"answer", b"insult"))
    with pytest.raises(CommandError, match="not as it was written"):
        call_command("restore_archive", changed, "--owner", "bob")
    other = tmp_path / "other.zip"
    other.write_text("no")
    with pytest.raises(CommandError, match="cannot be read as a ZIP file"):
        call_command("archive", "--read", other)
    with pytest.raises(CommandError, match="already taken"):
        call_command("restore_archive", written, "--owner", "bob", "--slug", "general")
    assert Room.objects.count() == 1
    assert fresh(general).archived_at is not None


def test_an_open_room_is_archived_first(secret: Room, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not archived"):
        call_command("archive", secret.slug, tmp_path / "secret.zip")
    call_command("archive", secret.slug, tmp_path / "secret.zip", "--open", stdout=StringIO())
