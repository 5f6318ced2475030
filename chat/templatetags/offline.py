"""A page in one file: its style, its script and its drawings stand inside it."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from django import template
from django.apps import apps
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

STYLES: Final = (
    *(f"css/base/{name}.css" for name in ("tokens", "base", "icon", "brand", "button")),
    "css/account/account.css",
    "offline/page.css",
)
SCRIPT: Final = "offline/page.js"

_FONT = re.compile(r'url\("(?:\.\./)+(fonts/[^"]+)"\)')
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


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
    found = re.search(rf'<symbol id="{re.escape(name)}" viewBox="([\d ]+)">(.*?)</symbol>', source("icons.svg"), re.DOTALL)
    assert found, f"expected an icon {name}"
    return mark_safe(f'<svg class="icon {dress}" viewBox="{found[1]}" aria-hidden="true">{found[2]}</svg>')  # noqa: S308


@cache
def style() -> str:
    """Return the stylesheets as one. The fonts stay files: where the browser has forgotten them, the system's stand in."""
    text = "".join(_COMMENT.sub("", source(name)) for name in STYLES)
    return _FONT.sub(lambda found: f'url("{static(f"chat/{found[1]}")}")', text)


@cache
def source(name: str) -> str:
    """Return one of chat's static files as it is written."""
    return (Path(apps.get_app_config("chat").path) / "static" / "chat" / name).read_text()
