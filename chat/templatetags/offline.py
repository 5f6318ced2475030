"""Tags that inline the style, script and icons of the offline page, which is one file."""

import re

from django import template
from django.utils.safestring import SafeString, mark_safe

from chat.pages.single_file import script, source, style

register = template.Library()


@register.simple_tag
def own_style() -> SafeString:
    return mark_safe(f"<style>{style()}</style>")  # noqa: S308


@register.simple_tag
def own_script() -> SafeString:
    return mark_safe(f'<script type="module">{script()}</script>')  # noqa: S308


@register.simple_tag
def drawing(name: str, classes: str) -> SafeString:
    """Inline an icon, because the offline page can't load the file of icons."""
    found = re.search(
        rf'<symbol id="{re.escape(name)}" viewBox="([\d ]+)">(.*?)</symbol>',
        source("icons.svg"),
        re.DOTALL,
    )
    assert found, f"expected an icon {name}"
    attributes = f'class="icon {classes}" viewBox="{found[1]}" aria-hidden="true"'
    return mark_safe(f"<svg {attributes}>{found[2]}</svg>")  # noqa: S308
