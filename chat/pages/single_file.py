"""The style, script and icons of the offline page, as text to be inlined."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from django.apps import apps
from django.templatetags.static import static

STYLES: Final = (
    *(f"css/base/{name}.css" for name in ("tokens", "base", "icon", "brand", "button", "field")),
    "css/account/account.css",
    "offline/page.css",
)
SCRIPTS: Final = ("offline/kept_store.js", "offline/reader.js", "offline/page.js")

_FONT = re.compile(r'url\("(?:\.\./)+(fonts/[^"]+)"\)')
_IMPORT = re.compile(r"^import\b[^;]+;\n|^export\b\s(?:\{\};\n)?", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


@cache
def style() -> str:
    """Return the stylesheets as one text. Fonts stay files; without them the system's are used."""
    text = "".join(_COMMENT.sub("", source(name)) for name in STYLES)
    return _FONT.sub(lambda found: f'url("{static(f"chat/{found[1]}")}")', text)


@cache
def script() -> str:
    """Return the scripts as one module: they import only each other."""
    return "".join(_IMPORT.sub("", _COMMENT.sub("", source(name))) for name in SCRIPTS)


@cache
def source(name: str) -> str:
    """Return the text of one of chat's static files."""
    return (Path(apps.get_app_config("chat").path) / "static" / "chat" / name).read_text()
