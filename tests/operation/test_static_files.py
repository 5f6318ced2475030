"""Static files: hashed names, including module imports, cached for ever, served under ASGI."""

import re
from os.path import normpath
from pathlib import Path

import httpx
import pytest
from django.apps import apps
from django.contrib.staticfiles import finders
from pytest_django import Settings

from realtime.site.staticfiles import HashedStaticFiles, with_static_files
from tests.support.server import ROOT

APPS = ("realtime", "notifications", "chat")
IN_TEMPLATE = re.compile(r"""\{% (?:static|stylesheet|module|bundled) ['"]([^'"]+)['"]""")
IN_MODULE = re.compile(r"""(?:from|import) *\(?['"](\.[^'"]+)['"]""")
IN_STYLESHEET = re.compile(r"""url\(['"]?([^'")#]+)""")
HASHED = re.compile(r"[^\"']+\.[0-9a-f]{12}\.js")


def ours(*endings: str) -> list[tuple[str, Path]]:
    """Our static files of these kinds, with the names that templates call them by."""
    folders = [Path(apps.get_app_config(name).path) / "static" for name in APPS]
    found = [
        (path.relative_to(folder).as_posix(), path)
        for folder in folders
        for path in sorted(folder.rglob("*.*"))
    ]
    return [(name, path) for name, path in found if path.suffix in endings]


def test_every_static_file_that_a_template_names_exists() -> None:
    """A missing file makes its page an error 500, and no other test may open that page."""
    named = {
        (path.name, name)
        for folder in ("templates", *(f"{app}/templates" for app in APPS))
        for path in (ROOT / folder).rglob("*.html")
        for name in IN_TEMPLATE.findall(path.read_text())
    }
    assert len(named) > 20
    assert [found for found in sorted(named) if finders.find(found[1]) is None] == []


@pytest.mark.parametrize(("ending", "pattern"), [(".js", IN_MODULE), (".css", IN_STYLESHEET)])
def test_every_file_that_a_static_file_names_exists(ending: str, pattern: re.Pattern[str]) -> None:
    named = {
        (name, target)
        for name, path in ours(ending)
        for target in pattern.findall(path.read_text())
        if not target.startswith("data:")
    }
    assert named
    missing = [
        (name, target)
        for name, target in sorted(named)
        if finders.find(normpath(f"{Path(name).parent}/{target}")) is None
    ]
    assert missing == []


@pytest.fixture
def storage(tmp_path: Path) -> HashedStaticFiles:
    """A storage that holds two modules, one of which imports the other, after the collection."""
    importing = 'import { Socket } from "../realtime/socket.js";\nnew Socket();\n'
    files = {"realtime/socket.js": "export class Socket {}\n", "chat/app.js": importing}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = HashedStaticFiles(location=str(tmp_path), base_url="/static/")
    assert all(done for _, _, done in found.post_process({name: (found, name) for name in files}))
    return found


def test_an_import_names_the_hashed_file(storage: HashedStaticFiles, tmp_path: Path) -> None:
    app = tmp_path / storage.stored_name("chat/app.js")
    imported = re.search(r'from "\.\./(.+?)"', app.read_text())
    assert imported is not None
    assert HASHED.fullmatch(imported[1])
    assert (tmp_path / imported[1]).exists()


def test_modules_may_name_each_other_in_comments(tmp_path: Path) -> None:
    typed = "/** @typedef {import('./%s').Thing} Thing */\nexport const own = 1;\n"
    (tmp_path / "a.js").write_text(typed % "b.js")
    (tmp_path / "b.js").write_text(typed % "a.js")
    found = HashedStaticFiles(location=str(tmp_path), base_url="/static/")
    outcomes = list(found.post_process({name: (found, name) for name in ("a.js", "b.js")}))
    assert [done for _, _, done in outcomes] == [True, True]


@pytest.mark.parametrize("debug", [True, False])
def test_addresses_are_hashed_in_debug_too(
    storage: HashedStaticFiles, settings: Settings, debug: bool
) -> None:
    settings.DEBUG = debug
    assert HASHED.fullmatch(storage.url("chat/app.js"))


async def test_hashed_files_are_kept_for_ever(
    storage: HashedStaticFiles, tmp_path: Path, settings: Settings
) -> None:
    settings.STATIC_ROOT = tmp_path

    async def site(scope: dict[str, object], receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    transport = httpx.ASGITransport(app=with_static_files(site))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        hashed = await client.get(storage.url("chat/app.js"))
        assert hashed.status_code == 200
        assert hashed.headers["content-type"].startswith("text/javascript")
        assert "immutable" in hashed.headers["cache-control"]
        assert "access-control-allow-origin" not in hashed.headers
        assert (await client.get("/rooms/")).status_code == 418
        assert (await client.get("/static/../settings.py")).status_code == 418
