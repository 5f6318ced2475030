"""Words that no message may contain. They are rows of no stream, so Django's own forms add and delete them, and its own log says who."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from chat import policies
from chat.admin.lists import KeysetAdmin
from chat.models import WORD_MAX_LENGTH, BlockedWord
from realtime.protocol.errors import HoldfastError


class BlockedWordForm(forms.ModelForm[BlockedWord]):
    """One word or phrase."""

    word = forms.CharField(help_text="Compared with whole words, in any case of their letters. A phrase may have spaces.")

    class Meta:
        model = BlockedWord
        fields = ("word",)

    def clean_word(self) -> str:
        """Return the word as it is compared: without space around it, in small letters."""
        try:
            word = policies.clean(self.cleaned_data["word"], name="word", limit=WORD_MAX_LENGTH, required=True)
        except HoldfastError as error:
            raise forms.ValidationError(error.message) from error
        return word.casefold()[:WORD_MAX_LENGTH]

    def clean(self) -> dict[str, Any]:
        """Refuse more words than posting reads."""
        if BlockedWord.objects.order_by("pk")[policies.MAX_BLOCKED_WORDS - 1 :].exists():
            raise forms.ValidationError(f"There are {policies.MAX_BLOCKED_WORDS} blocked words, as many as can be. Delete one first.")
        return super().clean() or {}


@admin.register(BlockedWord)
class BlockedWordAdmin(KeysetAdmin):
    """The list of blocked words, in the order of the alphabet."""

    form = BlockedWordForm
    list_display = ("word", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_help_text = "The beginning of a word."

    def keyset(self, found: Any) -> str:
        """Return the word itself."""
        return "word"

    def found_by(self, word: str) -> Q:
        """Return the words that begin so."""
        return Q(word__startswith=word.casefold())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: another word is another row."""
        return False

    def save_model(self, request: HttpRequest, obj: BlockedWord, form: Any, change: bool) -> None:
        """Note who blocked it."""
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
