"""Tags of the offline page, which is one file: its style, script and icons are written into it."""

import re

from django import template
from django.utils.safestring import SafeString, mark_safe

from chat.pages.single_file import SCRIPT, source, style

register = template.Library()


@register.simple_tag
def own_style() -> SafeString:
    """Write what the page looks like."""
    return mark_safe(f"<style>{style()}</style>")  # noqa: S308


@register.simple_tag
def own_script() -> SafeString:
    """Write what the page does."""
    return mark_safe(f'<script type="module">{source(SCRIPT)}</script>')  # noqa: S308


@register.simple_tag
def drawing(name: str, dress: str) -> SafeString:
    """Draw a symbol of the icons, which are a file that the page may not get."""
    found = re.search(
        rf'<symbol id="{re.escape(name)}" viewBox="([\d ]+)">(.*?)</symbol>',
        source("icons.svg"),
        re.DOTALL,
    )
    assert found, f"expected an icon {name}"
    attributes = f'class="icon {dress}" viewBox="{found[1]}" aria-hidden="true"'
    return mark_safe(f"<svg {attributes}>{found[2]}</svg>")  # noqa: S308
