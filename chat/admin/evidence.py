"""Downloads of evidence and of a person's own data, and the erasure of a person."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from chat import services
from chat.admin.actions import Link, actor_id
from chat.admin.forms import RoomField
from chat.admin.lists import ReadOnlyAdmin, person_id
from chat.models import REASON_MAX_LENGTH, Case, Message, Room
from chat.moderation.evidence import Scope, evidence
from chat.moderation.own_data import own_data
from chat.pages.downloads import archive_response
from chat.queries.moderation.reports import count_held, is_message_reported
from chat.services.people.exports import log_export
from realtime.auth.confirmation import confirmed
from realtime.core.users import User
from realtime.protocol.errors import HoldfastError

MODERATE = "chat.add_bulk"


class PersonField(forms.CharField):
    """A person by username; ``clean`` returns their id, or None for an empty optional field."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Person"), "max_length": 151, **kwargs})

    def clean(self, value: Any) -> Any:
        name = str(super().clean(value) or "").strip()
        found = person_id(name.replace("\0", "")) if name else None
        if name and found is None:
            raise forms.ValidationError(_("There is no person with this username."))
        return found


class MessageField(forms.IntegerField):
    """A message by its id; ``clean`` returns it, or None for an empty field."""

    def clean(self, value: Any) -> Any:
        pk = super().clean(value)
        found = Message.objects.filter(pk=pk).select_related("room").first() if pk else None
        if found is not None and found.room.is_direct and not is_message_reported(found.pk):
            found = None
        if pk is not None and found is None:
            raise forms.ValidationError(_("There is no message with this ID."))
        return found


class TimeField(forms.DateTimeField):
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})


class LoggedForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Recorded in the moderation log."),
    )


class EvidenceForm(LoggedForm):
    message = MessageField(
        label=_("Message"),
        required=False,
        help_text=_("A message ID. The 20 messages before and after it are included."),
    )
    person = PersonField(label=_("Messages by"), required=False, help_text=_("A username."))
    room = RoomField(required=False, help_text=_("The last part of its URL, such as general."))
    since = TimeField(label=_("From"), required=False)
    until = TimeField(label=_("Until"), required=False)
    field_order = ["message", "person", "room", "since", "until", "reason"]

    def clean(self) -> dict[str, Any]:
        """Refuse an export of the whole site."""
        fields = super().clean() or {}
        if not self.errors and not any(fields.get(name) for name in ("message", "person", "room")):
            raise forms.ValidationError(_("Enter a message, a person or a room."))
        return fields

    @property
    def scope(self) -> Scope:
        fields = self.cleaned_data
        person = User.objects.get(pk=fields["person"]) if fields["person"] else None
        room = Room.objects.get(pk=fields["room"]) if fields["room"] else None
        return Scope(fields["message"], person, room, fields["since"], fields["until"])


class OwnDataForm(LoggedForm):
    person = PersonField(help_text=_("A username."))
    field_order = ["person", "reason"]


class ErasureForm(OwnDataForm):
    confirm = forms.CharField(
        label=_("Confirm username"), max_length=150, help_text=_("This cannot be undone.")
    )
    field_order = ["person", "confirm", "reason"]

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if not self.errors and self.data["confirm"].strip() != self.data["person"].strip():
            self.add_error("confirm", _("The usernames do not match."))
        return fields


class ExportAdmin(ReadOnlyAdmin):
    """The pages that export data or erase a person."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("evidence/", view(self.evidence_view), name="chat_evidence"),
            path("own-data/", view(self.own_data_view), name="chat_own_data"),
            path("erase/", view(self.erase_view), name="chat_erase"),
            *super().get_urls(),
        ]

    @method_decorator(confirmed)
    def evidence_view(self, request: HttpRequest) -> HttpResponseBase:
        _check(allowed=request.user.has_perm(MODERATE))
        form = EvidenceForm(request.POST or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid() and _is_about(form.scope, request):
            # It names the people who reported.
            form.add_error(None, _("This is about you. Another moderator must export it."))
        if request.method == "POST" and form.is_valid():
            scope, reason = form.scope, form.cleaned_data["reason"]
            log = partial(
                _log,
                actor_id=actor_id(request),
                reason=reason,
                subject_id=scope.person.pk if scope.person else None,
                room_id=scope.room.pk if scope.room else None,
                message_id=scope.message.pk if scope.message else None,
            )
            files = evidence(scope, made_by=_user(request), reason=reason)
            return archive_response(files, "evidence", log=log)
        explanation = _(
            "A ZIP archive with the messages as they were reported and every change since (JSON"
            " Lines and HTML), their reports, the people with their bans, the moderation log, the"
            " SHA-256 checksum of each file, and the signature of this site."
        )
        return self._form_page(
            request, form, _("Export evidence"), explanation, _("Download archive")
        )

    @method_decorator(confirmed)
    def own_data_view(self, request: HttpRequest) -> HttpResponseBase:
        _check(allowed=_user(request).is_superuser)
        form = OwnDataForm(request.POST or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            person = User.objects.get(pk=form.cleaned_data["person"])
            reason = form.cleaned_data["reason"]
            log = partial(_log, actor_id=actor_id(request), reason=reason, subject_id=person.pk)
            return archive_response(own_data(person), f"data-of-{person.pk}", log=log)
        explanation = _(
            "Everything that belongs to a person, including their direct messages, to hand over to"
            " them."
        )
        return self._form_page(
            request, form, _("Export personal data"), explanation, _("Download archive")
        )

    @method_decorator(confirmed)
    def erase_view(self, request: HttpRequest) -> HttpResponseBase:
        _check(allowed=_user(request).is_superuser)
        form = ErasureForm(request.POST or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            fields = form.cleaned_data
            held = count_held(fields["person"])
            try:
                bulk = services.erase_person(
                    actor_id=actor_id(request),
                    user_id=fields["person"],
                    seconds=2.0,
                    reason=fields["reason"],
                )
            except HoldfastError as error:
                form.add_error(None, error.message)
            else:
                if held:
                    messages.warning(request, _held(held))
                return HttpResponseRedirect(reverse("admin:chat_bulk_change", args=[bulk.pk]))
        explanation = _(
            "They are signed out everywhere within a second. The account loses its name and"
            " password, and all their messages are deleted permanently, including those that"
            " moderators could restore. The empty account stays. Messages of open cases, and of"
            " decided ones that can still be appealed, stay readable for moderators until then."
        )
        return self._form_page(
            request,
            form,
            _("Erase a person"),
            explanation,
            _("Erase permanently"),
            is_destructive=True,
        )

    def _form_page(
        self,
        request: HttpRequest,
        form: forms.Form,
        title: StrOrPromise,
        explanation: StrOrPromise,
        button: StrOrPromise,
        *,
        is_destructive: bool = False,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "form": form,
            "explanation": explanation,
            "button": button,
            "is_destructive": is_destructive,
        }
        return TemplateResponse(request, "admin/chat/form_page.html", context)


def export_links(request: HttpRequest, username: str) -> list[Link]:
    """Return the buttons of a person's page that lead to these pages."""
    links: list[tuple[StrOrPromise, str, str]] = [
        (_("Remove messages"), "chat_bulk_add", "author"),
        (_("Export evidence"), "chat_evidence", "person"),
    ]
    if _user(request).is_superuser:
        links += [
            (_("Export personal data"), "chat_own_data", "person"),
            (_("Erase"), "chat_erase", "person"),
        ]
    return [
        Link(label, f"{reverse(f'admin:{name}')}?{urlencode({field: username})}")
        for label, name, field in links
    ]


def evidence_link(case: Case) -> Link:
    """Return the button of a case that leads to the evidence of its message or person."""
    about = {"message": case.message_id} if case.message_id else {"person": case.author.username}
    url = f"{reverse('admin:chat_evidence')}?{urlencode(about)}"
    return Link(_("Export evidence"), url, "evidence")


def _is_about(scope: Scope, request: HttpRequest) -> bool:
    authors = {scope.person.pk if scope.person else 0}
    if scope.message:
        authors.add(scope.message.author_id)
    return request.user.pk in authors


def _held(number: int) -> str:
    text = ngettext(
        "%(count)d message is kept for a case until nobody can appeal any more.",
        "%(count)d messages are kept for cases until nobody can appeal any more.",
        number,
    )
    return text % {"count": number}


def _log(manifest: str, **entry: Any) -> None:
    log_export(manifest=manifest, **entry)


def _check(*, allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
