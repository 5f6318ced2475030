"""Composing or editing a broadcast: the form, and the people it reaches."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import get_language_info, gettext_lazy

from notifications import policies
from notifications.models import TITLE_MAX_LENGTH, URL_MAX_LENGTH, Broadcast, Level
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience, Reach, reach
from notifications.services import check_edit, is_begun

MAX_NAMES_LENGTH: Final = 100_000  # of usernames or rooms in one field

AUDIENCE_FIELDS: Final = ("everybody", "staff", "groups", "users", "rooms")


class SendTimeField(forms.DateTimeField):
    """A time in the zone of the page."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class AnnouncementForm(forms.Form):
    """Composes an announcement to everyone.

    Sent twice (a double click, a reload), it is one, because ``key`` comes with the page.
    """

    key = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)
    title = forms.CharField(
        label=gettext_lazy("Title"), required=False, max_length=TITLE_MAX_LENGTH
    )
    body = forms.CharField(
        label=gettext_lazy("Text"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=policies.BODY_MAX_LENGTH,
    )
    url = forms.CharField(
        label=gettext_lazy("Link"),
        required=False,
        max_length=URL_MAX_LENGTH,
        help_text=gettext_lazy("http://…, https://… or a path of this site."),
    )
    level = forms.ChoiceField(
        label=gettext_lazy("Level"), choices=Level.choices, initial=Level.INFO
    )
    expires_at = SendTimeField(label=gettext_lazy("Expires"), required=False)
    at = SendTimeField(
        label=gettext_lazy("Send later"),
        required=False,
        help_text=gettext_lazy("Empty: at once. A timer has to run manage.py send_broadcasts."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in self.languages():
            name = get_language_info(code)["name_local"]
            self.fields[f"title_{code}"] = forms.CharField(
                label=gettext_lazy("Title, %(language)s") % {"language": name},
                required=False,
                max_length=TITLE_MAX_LENGTH,
            )
            self.fields[f"body_{code}"] = forms.CharField(
                label=gettext_lazy("Text, %(language)s") % {"language": name},
                required=False,
                widget=forms.Textarea(attrs={"rows": 2, "lang": code}),
                max_length=policies.BODY_MAX_LENGTH,
            )

    @staticmethod
    def languages() -> Iterator[str]:
        """Yield the languages that can have a text of their own."""
        default = settings.LANGUAGE_CODE.partition("-")[0]
        yield from (code for code, _ in settings.LANGUAGES if code != default)

    @property
    def audience(self) -> Audience:
        """Return the addressees that the fields describe."""
        return Audience(everybody=True)

    @property
    def words(self) -> Words:
        """Return the content that the fields describe."""
        data = self.cleaned_data
        texts: Mapping[str, Mapping[str, str]] = {
            code: {"title": data[f"title_{code}"], "body": data[f"body_{code}"]}
            for code in self.languages()
            if data[f"title_{code}"] or data[f"body_{code}"]
        }
        return Words(
            title=data["title"],
            body=data["body"],
            url=data["url"],
            level=data["level"],
            expires_at=data.get("expires_at"),
            at=data.get("at"),
            translations=texts,
        )

    def reached(self) -> Reach | None:
        """Return the people it reaches. None: the service would refuse it (errors of the form)."""
        audience = self.audience
        found = reach(audience)
        problems = [
            *policies.problems_of_words(
                self.words, now=timezone.now(), announced=audience.everybody
            ),
            *found.problems,
        ]
        for problem in problems:
            self.add_error(None, problem)
        return None if problems else found


class BroadcastForm(AnnouncementForm):
    """Composes a broadcast to everyone, or to staff, groups, users and rooms."""

    everybody = forms.BooleanField(label=gettext_lazy("Everyone"), required=False)
    staff = forms.BooleanField(label=gettext_lazy("Staff"), required=False)
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label=gettext_lazy("Groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    users = forms.CharField(
        label=gettext_lazy("People"),
        required=False,
        max_length=MAX_NAMES_LENGTH,
        help_text=gettext_lazy("Usernames, with spaces between them."),
    )
    rooms = forms.CharField(
        label=gettext_lazy("Rooms"),
        required=False,
        max_length=MAX_NAMES_LENGTH,
        help_text=gettext_lazy(
            "The last part of each room’s URL, such as general, with spaces between them."
        ),
    )
    field_order = AUDIENCE_FIELDS

    @property
    def audience(self) -> Audience:
        """Return the addressees that the fields describe."""
        data = self.cleaned_data
        rooms = data["rooms"].replace(",", " ").split()
        return Audience(
            everybody=data["everybody"],
            staff=data["staff"],
            groups=[group.name for group in data["groups"]],
            users=data["users"].replace(",", " ").split(),
            places={"room": rooms} if rooms else {},
        )


class EditForm(BroadcastForm):
    """Edits a broadcast: whole, or only its content where it is sent already.

    ``may_address``: the person may also change who gets it.
    """

    def __init__(self, *args: Any, row: Broadcast, may_address: bool, **kwargs: Any) -> None:
        self.row = row
        super().__init__(*args, initial=_initial(row), **kwargs)
        self._is_begun = is_begun(row)
        fixed = ["key"]
        if self._is_begun:
            fixed.append("at")
        if self._is_begun or not may_address:
            fixed += AUDIENCE_FIELDS
            if not row.targets.get("all"):
                fixed.append("expires_at")
        for name in fixed:
            del self.fields[name]

    @property
    def audience(self) -> Audience:
        """Return the addressees that the fields describe, or those that it has."""
        if "users" in self.fields:
            return super().audience
        return Audience.from_json(self.row.targets)

    @property
    def words(self) -> Words:
        """Return the content that the fields describe. A field has no seconds."""
        words = super().words
        if "at" not in self.fields or _same_minute(words.at, self.row.scheduled_at):
            words = replace(words, at=self.row.scheduled_at)
        if _same_minute(words.expires_at, self.row.expires_at):
            words = replace(words, expires_at=self.row.expires_at)
        return words

    def reached(self) -> Reach | None:
        """Return the people it reaches. None: the service would refuse it (errors of the form)."""
        try:
            check_edit(self.row, self.words, self.audience)
        except BadBroadcast as error:
            for problem in error.problems:
                self.add_error(None, problem)
            return None
        return reach(self.audience)


def _same_minute(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one == other.replace(second=0, microsecond=0)


def _initial(row: Broadcast) -> dict[str, Any]:
    audience = Audience.from_json(row.targets)
    texts = {
        f"{name}_{code}": text
        for code, said in (row.translations or {}).items()
        for name, text in said.items()
    }
    return {
        **texts,
        "title": row.title,
        "body": row.body,
        "url": row.url,
        "level": row.level,
        "expires_at": row.expires_at,
        "at": row.scheduled_at,
        "everybody": audience.everybody,
        "staff": audience.staff,
        "groups": Group.objects.filter(name__in=audience.groups),
        "users": " ".join(audience.users),
        "rooms": " ".join(audience.places.get("room", ())),
    }
