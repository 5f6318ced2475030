"""Django's classes that are generic for the type checker only, with their type argument.

``ModelAdmin[Room]`` is an error of Django itself at run time.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import forms
from django.core import paginator

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.auth.admin import UserAdmin
    from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm, UserCreationForm
    from django.core.paginator import Paginator
else:

    class _Generic:
        def __class_getitem__(cls, _argument: Any) -> type:
            return cls

    class ModelAdmin(_Generic, admin.ModelAdmin): ...

    class UserAdmin(_Generic, auth_admin.UserAdmin): ...

    class Paginator(_Generic, paginator.Paginator): ...

    class UserChangeForm(_Generic, forms.UserChangeForm): ...

    class UserCreationForm(_Generic, forms.UserCreationForm): ...

    class AdminUserCreationForm(_Generic, forms.AdminUserCreationForm): ...


__all__ = [
    "AdminUserCreationForm",
    "ModelAdmin",
    "Paginator",
    "UserAdmin",
    "UserChangeForm",
    "UserCreationForm",
]
