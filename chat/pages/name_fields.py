"""The rules for names in forms: sign-up, and the pages of accounts in the admin."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.forms import ModelForm

from chat.services.people.names import check_names
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

NAMES = ("username", "first_name", "last_name")

if TYPE_CHECKING:
    _Form = ModelForm[User]
else:
    _Form = object


class NameRules(_Form):
    """Checks the names that were changed, and puts the problem beside its field."""

    def clean(self) -> dict[str, Any] | None:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in NAMES:
            if name in self.changed_data and isinstance(data.get(name), str):
                self._check(name, data)
        return data

    def _check(self, name: str, data: dict[str, Any]) -> None:
        wanted = {name: data[name]}
        if name == "last_name" and "first_name" in data:
            wanted["first_name"] = data["first_name"]  # the two are shown as one name
        try:
            data |= check_names(self.instance, wanted)
        except BadRequest as error:
            # The field is named by its label.
            _field, _separator, problem = error.message.partition(": ")
            self.add_error(name, ValidationError(problem[:1].upper() + problem[1:]))
