"""Templates of reasons, which moderators edit in the admin, each in one language."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting
from chat.admin.actions import actor_id
from chat.admin.lists import ReadOnlyAdmin, is_id
from chat.models import REASON_MAX_LENGTH, TEMPLATE_NAME_MAX_LENGTH, ReasonTemplate
from realtime.protocol.errors import HoldfastError

CHANGE = "chat.change_report"


class TemplateForm(forms.Form):
    language = forms.ChoiceField(
        label=_("Language"),
        choices=lambda: settings.LANGUAGES,
        help_text=_("Offered for people who read the site in this language."),
    )
    name = forms.CharField(label=_("Name"), max_length=TEMPLATE_NAME_MAX_LENGTH)
    text = forms.CharField(
        label=_("Text"), max_length=REASON_MAX_LENGTH, widget=forms.Textarea(attrs={"rows": 3})
    )


@admin.register(ReasonTemplate)
class ReasonTemplateAdmin(ReadOnlyAdmin):
    list_display = ("name", "language", "text", "changed", "by")
    list_filter = ("language",)
    list_select_related = ("changed_by",)
    search_help_text = _("Search by the beginning of a name.")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(CHANGE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    def matching(self, word: str) -> Q:
        return Q(name__startswith=word)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return self._edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = ReasonTemplate.objects.filter(pk=object_id).first() if is_id(object_id) else None
        if row is None:
            raise Http404
        return self._edit(request, row)

    def _edit(self, request: HttpRequest, row: ReasonTemplate | None) -> HttpResponse:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        initial = (
            {"language": row.language, "name": row.name, "text": row.text}
            if row
            else {"language": get_language()}
        )
        form = TemplateForm(request.POST or None, initial=initial)
        if request.method == "POST" and (row is not None and "delete" in request.POST):
            services.delete_template(actor_id=actor_id(request), template_id=row.pk)
            messages.success(request, gettext("Template deleted."))
            return HttpResponseRedirect(reverse("admin:chat_reasontemplate_changelist"))
        if request.method == "POST" and form.is_valid():
            try:
                services.save_template(
                    actor_id=actor_id(request),
                    template_id=row.pk if row else None,
                    **form.cleaned_data,
                )
            except HoldfastError as error:
                form.add_error(None, error.message)
            else:
                messages.success(request, gettext("Template saved."))
                return HttpResponseRedirect(reverse("admin:chat_reasontemplate_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": row.name if row else gettext("New template"),
            "form": form,
            "row": row,
            "explanation": gettext(
                "A reason that moderators choose instead of typing it. The person concerned"
                " reads it."
            ),
        }
        return TemplateResponse(request, "admin/chat/reason_template.html", context)

    @admin.display(description=_("changed"))
    def changed(self, row: ReasonTemplate) -> SafeString | str:
        return formatting.moment(row.changed_at)

    @admin.display(description=_("moderator"))
    def by(self, row: ReasonTemplate) -> SafeString | str:
        return formatting.person(row.changed_by)
