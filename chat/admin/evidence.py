"""Archives: evidence for those who decide elsewhere, one person's own data, and the erasure of a person."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat import services
from chat.admin.actions import Link, actor
from chat.admin.filters import OptionalRoomField
from chat.admin.lists import ShownAdmin, person_id
from chat.models import REASON_MAX_LENGTH, SLUG_MAX_LENGTH, Message, Room
from chat.moderation import archives
from chat.moderation.evidence import Scope, evidence, own_data
from chat.services.erasure import log_export
from realtime.protocol.errors import HoldfastError

MODERATE = "chat.add_bulk"


class PersonField(forms.CharField):
    """Somebody, by name."""

    def clean(self, value: Any) -> Any:
        """Return the id, or None where nothing was given."""
        name = str(super().clean(value) or "").strip()
        found = person_id(name.replace("\0", "")) if name else None
        if name and found is None:
            raise forms.ValidationError(_("There is no such person."))
        return found


class MessageField(forms.IntegerField):
    """A message, by its id."""

    def clean(self, value: Any) -> Any:
        """Return the message, or None where nothing was given."""
        ident = super().clean(value)
        found = (
            Message.objects.filter(pk=ident).select_related("room").first()
            if ident is not None
            else None
        )
        if ident is not None and found is None:
            raise forms.ValidationError(_("There is no such message."))
        return found


class ReasonedForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("It stands in the moderation log."),
    )


class EvidenceForm(ReasonedForm):
    """Of what, and why."""

    message = MessageField(
        label=gettext_lazy("Message"),
        required=False,
        help_text=gettext_lazy("Its id: it and 20 on each side."),
    )
    person = PersonField(label=gettext_lazy("Messages of"), required=False, max_length=151)
    room = OptionalRoomField(
        label=gettext_lazy("In room"), required=False, max_length=SLUG_MAX_LENGTH + 1
    )
    since = forms.DateTimeField(
        label=gettext_lazy("Since"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    field_order = ["message", "person", "room", "since", "until", "reason"]

    def clean(self) -> dict[str, Any]:
        """Refuse the whole site."""
        fields = super().clean() or {}
        if not self.errors and not any(fields.get(name) for name in ("message", "person", "room")):
            raise forms.ValidationError(_("Name a message, a person or a room."))
        return fields

    @property
    def scope(self) -> Scope:
        """What is meant."""
        fields = self.cleaned_data
        person = User.objects.get(pk=fields["person"]) if fields["person"] else None
        room = Room.objects.get(pk=fields["room"]) if fields["room"] else None
        return Scope(fields["message"], person, room, fields["since"], fields["until"])


class OwnDataForm(ReasonedForm):
    """Whose, and why."""

    person = PersonField(label=gettext_lazy("Person"), max_length=151)
    field_order = ["person", "reason"]


class ErasureForm(OwnDataForm):
    """Whose, twice."""

    confirm = forms.CharField(
        label=gettext_lazy("The name again"),
        max_length=150,
        help_text=gettext_lazy("This cannot be undone."),
    )
    field_order = ["person", "confirm", "reason"]

    def clean(self) -> dict[str, Any]:
        """Refuse another name."""
        fields = super().clean() or {}
        if not self.errors and self.data["confirm"].strip() != self.data["person"].strip():
            self.add_error("confirm", _("This is another name."))
        return fields


class FilesAdmin(ShownAdmin):
    """The pages that make archives, and that erase."""

    def get_urls(self) -> list[URLPattern]:
        """Add them."""
        view = self.admin_site.admin_view
        more = [
            path("evidence/", view(self.evidence_view), name="chat_evidence"),
            path("own-data/", view(self.own_data_view), name="chat_own_data"),
            path("erase/", view(self.erase_view), name="chat_erase"),
        ]
        return [*more, *super().get_urls()]

    def evidence_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make an archive of messages with reports and moderation."""
        _check(allowed=request.user.has_perm(MODERATE))
        form = EvidenceForm(request.POST or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            scope, reason = form.scope, form.cleaned_data["reason"]
            log_export(
                actor_id=actor(request),
                reason=reason,
                subject_id=scope.person.pk if scope.person else None,
                room_id=scope.room.pk if scope.room else None,
                message_id=scope.message.pk if scope.message else None,
            )
            return _download(
                archives.stream(evidence(scope, made_by=_user(request), reason=reason)), "evidence"
            )
        says = _(
            "Messages as lines of JSON and as a page, their reports, what moderators did, and the SHA-256 of each file, in a ZIP."
        )
        return self._page(request, form, _("Evidence"), says, _("Make the archive"))

    def own_data_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make an archive of everything that is somebody's own; for superusers."""
        _check(allowed=_user(request).is_superuser)
        form = OwnDataForm(request.POST or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            subject = User.objects.get(pk=form.cleaned_data["person"])
            log_export(
                actor_id=actor(request), reason=form.cleaned_data["reason"], subject_id=subject.pk
            )
            return _download(archives.stream(own_data(subject)), f"data-of-{subject.pk}")
        says = _(
            "Everything that is somebody's own, also what they wrote in direct conversations, to be given to them."
        )
        return self._page(request, form, _("A person's own data"), says, _("Make the archive"))

    def erase_view(self, request: HttpRequest) -> HttpResponseBase:
        """Erase somebody; for superusers."""
        _check(allowed=_user(request).is_superuser)
        form = ErasureForm(request.POST or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            fields = form.cleaned_data
            try:
                bulk = services.erase_person(
                    actor_id=actor(request),
                    user_id=fields["person"],
                    seconds=2.0,
                    reason=fields["reason"],
                )
            except HoldfastError as error:
                form.add_error(None, error.message)
            else:
                return HttpResponseRedirect(reverse("admin:chat_bulk_change", args=[bulk.pk]))
        says = _(
            "They are signed out everywhere within a second, the account loses its name and its password, and what they wrote is deleted "
            "for ever, also what moderators could restore. The account itself stays, as nobody's."
        )
        return self._page(
            request, form, _("Erase a person"), says, _("Erase for ever"), takes_away=True
        )

    def _page(
        self,
        request: HttpRequest,
        form: forms.Form,
        title: str,
        says: str,
        button: str,
        *,
        takes_away: bool = False,
    ) -> HttpResponse:
        shown = {
            "title": title,
            "form": form,
            "says": says,
            "button": button,
            "takes_away": takes_away,
        }
        return TemplateResponse(
            request,
            "admin/chat/files.html",
            {**self.admin_site.each_context(request), "opts": self.opts, **shown},
        )


def links_to_files(request: HttpRequest, username: str) -> list[Link]:
    """Return the buttons of a person that lead here."""
    wanted = [
        (_("Remove messages…"), "chat_bulk_add", "author"),
        (_("Evidence…"), "chat_evidence", "person"),
    ]
    if _user(request).is_superuser:
        wanted += [
            (_("Their own data…"), "chat_own_data", "person"),
            (_("Erase…"), "chat_erase", "person"),
        ]
    return [
        Link(label, f"{reverse(f'admin:{name}')}?{urlencode({field: username})}")
        for label, name, field in wanted
    ]


def _download(parts: Iterator[bytes], name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(_without_blocking(parts), content_type="application/zip")
    answer["Content-Disposition"] = (
        f'attachment; filename="{name}-{timezone.now():%Y%m%d-%H%M%S}.zip"'
    )
    return answer


async def _without_blocking(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await sync_to_async(_next)(parts)) is not None:
        yield part


def _next(parts: Iterator[bytes]) -> bytes | None:
    return next(parts, None)


def _check(*, allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
