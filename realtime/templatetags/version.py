"""The version of the program, for pages of operators."""

from django import template

from holdfast.version import __version__

register = template.Library()


@register.simple_tag
def version() -> str:
    """Return the version of Holdfast: ``0.1.0``."""
    return __version__
