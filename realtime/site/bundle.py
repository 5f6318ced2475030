"""The bundle: the scripts and stylesheets of our pages as a few small files, made for a release.

``manage.py bundle`` makes it, and ``collectstatic`` publishes it. Templates name the sources; the
tags of ``templatetags/bundle.py`` put the files of the bundle in their place. Without a bundle,
with one of other sources, and under DEBUG, pages load the sources as they are.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage

FOLDER: Final = "bundle/"
"""Of the bundle's files, below ``STATIC_URL``. Their names have a hash of the contents."""

RECORD: Final = f"{FOLDER}record.json"
"""The hash of the sources of the bundle, and its file for each of them."""

_TAG: Final = re.compile(
    r"""\{%\s+(?:stylesheet|module|bundled)\s+['"]([^'"]+)['"](\s+apart=True)?"""
)
_IMPORTED: Final = re.compile(
    r"""^(?:import|export)\b[^'"=]*?\bfrom\s*['"](\.[^'"]+)['"]|^import\s*['"](\.[^'"]+)['"]""",
    re.MULTILINE,
)
_PART: Final = re.compile(r'^@import\s+url\("([^"]+)"\)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entries:
    """The files that templates name, as arguments for ``static``."""

    styles: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    """Several of them may be on one page, so they share the files of what they have in common."""
    apart: list[str] = field(default_factory=list)
    """Scripts that are alone on their page, and workers."""


@cache
def entries() -> Entries:
    """Return what the templates of this repository name."""
    named: dict[str, bool] = {}
    for path in _template_files():
        for name, apart in _TAG.findall(path.read_text()):
            named[name] = named.get(name, False) or bool(apart)
    scripts = sorted(name for name in named if name.endswith(".js"))
    return Entries(
        styles=sorted(name for name in named if name.endswith(".css")),
        modules=[name for name in scripts if not named[name]],
        apart=[name for name in scripts if named[name]],
    )


def static_folders() -> list[Path]:
    """Return the folders of the sources: those of the apps of this repository."""
    return [
        Path(app.path) / "static"
        for app in apps.get_app_configs()
        if Path(app.path).parent == settings.BASE_DIR
    ]


def stamp() -> str:
    """Return a hash of all sources, and of the names by which templates call them."""
    found = hashlib.sha256(repr(entries()).encode())
    for name, path in sorted(_sources()):
        data = path.read_bytes()
        found.update(f"{name} {len(data)} ".encode() + data)
    return found.hexdigest()


@cache
def record() -> dict[str, dict[str, Any]]:
    """Return the files of the collected bundle by their sources: empty without one of these."""
    if settings.DEBUG or not staticfiles_storage.exists(RECORD):
        return {}
    with staticfiles_storage.open(RECORD) as file:
        found = json.load(file)
    return dict(found["files"]) if found["stamp"] == stamp() else {}


def url(name: str) -> str:
    """Return the address of a file: in the bundle, if it is there."""
    made = record().get(name)
    return staticfiles_storage.url(made["file"] if made else name)


def stylesheets(name: str) -> list[str]:
    """Return the addresses of a stylesheet: of its parts, where they are not put together."""
    if name in record():
        return [url(name)]
    folder = posixpath.dirname(name)
    parts = _PART.findall(_text(name))
    return [
        staticfiles_storage.url(posixpath.normpath(posixpath.join(folder, part))) for part in parts
    ]


def imports(name: str) -> list[str]:
    """Return the addresses of all modules that a script needs before it can run."""
    made = record().get(name)
    return [staticfiles_storage.url(each) for each in (made["imports"] if made else _closure(name))]


@cache
def _closure(name: str) -> list[str]:
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        folder = posixpath.dirname(module := waiting.pop())
        for pair in _IMPORTED.findall(_text(module)):
            imported = posixpath.normpath(posixpath.join(folder, pair[0] or pair[1]))
            if imported not in found:
                found[imported] = None
                waiting.append(imported)
    found.pop(name, None)
    return sorted(found)


def _text(name: str) -> str:
    path = finders.find(name)
    assert isinstance(path, str), f"expected a static file {name}"
    return Path(path).read_text()


def _sources() -> Iterator[tuple[str, Path]]:
    for folder in static_folders():
        for path in folder.rglob("*"):
            if path.suffix in (".js", ".css", ".woff2"):
                yield path.relative_to(folder).as_posix(), path


def _template_files() -> Iterator[Path]:
    for folder in (
        settings.BASE_DIR / "templates",
        *(static.with_name("templates") for static in static_folders()),
    ):
        yield from sorted(folder.rglob("*.html"))
