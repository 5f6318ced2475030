"""The bundle of a release: pages use it when it was made of these sources, and only then."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.template import Context, Template
from pytest_django import Settings

from realtime.site import bundle
from realtime.site.staticfiles import HashedStaticFiles, with_static_files
from tests.support.server import ROOT

FILES = {
    "chat/main.js": {"file": "bundle/main-AAAAAAA2.js", "imports": ["bundle/chunk-BBBBBBB3.js"]},
    "chat/css/app.css": {"file": "bundle/app-CCCCCCC4.css", "imports": []},
    "chat/code/highlighter.js": {"file": "bundle/highlighter-DDDDDDD5.js", "imports": []},
}
PAGE = (
    "{% load bundle %}{% stylesheet 'chat/css/app.css' %}{% module 'chat/main.js' apart=True %}"
    "{% bundled 'chat/code/highlighter.js' apart=True %}"
)


@pytest.fixture(autouse=True)
def _no_record() -> Iterator[None]:
    bundle.record.cache_clear()
    yield
    bundle.record.cache_clear()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where collectstatic has put the files."""
    storage = StaticFilesStorage(location=str(tmp_path), base_url="/static/")
    monkeypatch.setattr(bundle, "staticfiles_storage", storage)
    (tmp_path / "bundle").mkdir()
    return tmp_path


def collected(root: Path, stamp: str) -> None:
    (root / bundle.RECORD).write_text(json.dumps({"stamp": stamp, "files": FILES}))


def addresses() -> list[str]:
    return re.findall(r"/static/[^\"]+?(?:\.css|\.js)", Template(PAGE).render(Context()))


def test_a_page_has_the_files_of_the_bundle(root: Path) -> None:
    collected(root, bundle.stamp())
    assert addresses() == [
        "/static/bundle/app-CCCCCCC4.css",
        "/static/bundle/chunk-BBBBBBB3.js",
        "/static/bundle/main-AAAAAAA2.js",
        "/static/bundle/highlighter-DDDDDDD5.js",
    ]


def test_a_page_without_a_bundle_has_every_source(root: Path) -> None:
    found = addresses()
    assert found[0] == "/static/chat/css/base/tokens.css"
    assert "/static/realtime/connection/socket.js" in found
    assert "/static/chat/vendor/emoji/en.js" not in found
    assert found[-2:] == ["/static/chat/main.js", "/static/chat/code/highlighter.js"]
    assert len(found) == len(set(found))


def test_a_bundle_of_other_sources_is_not_used(root: Path) -> None:
    collected(root, "of other sources")
    assert not any("/bundle/" in address for address in addresses())


def test_developers_see_the_sources(root: Path, settings: Settings) -> None:
    collected(root, bundle.stamp())
    settings.DEBUG = True
    assert not any("/bundle/" in address for address in addresses())


@pytest.mark.parametrize("change", ["text", "name", "template"])
def test_every_change_of_a_source_is_another_stamp(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    static = tmp_path / "app" / "static"
    templates = tmp_path / "app" / "templates"
    for folder in (static, templates):
        folder.mkdir(parents=True)
    script, page = static / "a.js", templates / "page.html"
    script.write_text("export const one = 1;\n")
    page.write_text("{% module 'a.js' %}")
    monkeypatch.setattr(bundle, "static_folders", lambda: [static])
    monkeypatch.setattr(bundle, "entries", bundle.entries.__wrapped__)
    before = bundle.stamp()
    assert bundle.stamp() == before
    if change == "text":
        script.write_text("export const one = 2;\n")
    elif change == "name":
        script.rename(static / "b.js")
    else:
        page.write_text("{% module 'a.js' apart=True %}")
    assert bundle.stamp() != before


def test_a_module_apart_is_the_only_one_of_its_page() -> None:
    """Two modules of one page would each have their own copy of what both import."""
    assert "chat/main.js" in bundle.entries().apart
    frame = (ROOT / "chat" / "templates" / "chat" / "app.html").read_text()
    # early.js shares with it only functions without a state.
    assert re.findall(r"\{% module '([^']+)'", frame) == ["chat/early.js", "chat/main.js"]
    extending = [
        path
        for path in (ROOT / "chat" / "templates").rglob("*.html")
        if "{% extends frame %}" in path.read_text()
    ]
    assert extending
    assert [path for path in extending if "{% module" in path.read_text()] == []


def test_no_page_names_a_script_of_ours_but_by_its_tag() -> None:
    """Else it would load a source beside the bundle. A script that is no module is not in it."""
    named = re.compile(r"""\{% static ['"]((?:realtime|notifications|chat)/[^'"]+\.js)['"]""")
    found = {
        name
        for folder in ("templates", "realtime", "notifications", "chat")
        for path in (ROOT / folder).rglob("*.html")
        for name in named.findall(path.read_text())
    }
    assert found == {"chat/admin/keys.js"}


@pytest.fixture
def storage(tmp_path: Path, settings: Settings) -> HashedStaticFiles:
    settings.DEBUG = False
    settings.STATIC_ROOT = tmp_path
    text = "export const words = 'the same words again and again';\n" * 40
    files = {"bundle/main-AAAAAAA2.js": text, "chat/app.js": text, "chat/short.js": "1;\n"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    found = HashedStaticFiles(location=str(tmp_path), base_url="/static/")
    assert all(done for _, _, done in found.post_process({name: (found, name) for name in files}))
    return found


def test_files_of_the_bundle_keep_their_names(storage: HashedStaticFiles) -> None:
    assert storage.url("bundle/main-AAAAAAA2.js") == "/static/bundle/main-AAAAAAA2.js"


@pytest.mark.parametrize("name", ["bundle/main-AAAAAAA2.js", "chat/app.js"])
@pytest.mark.parametrize(("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip")])
async def test_files_are_sent_compressed_and_kept_for_ever(
    storage: HashedStaticFiles, name: str, accepted: str, encoding: str
) -> None:
    transport = httpx.ASGITransport(app=with_static_files(None))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        reply = await client.get(storage.url(name), headers={"Accept-Encoding": accepted})
        plain = await client.get(storage.url(name), headers={"Accept-Encoding": "identity"})
    assert reply.headers["content-encoding"] == encoding
    assert "content-encoding" not in plain.headers
    assert int(reply.headers["content-length"]) < len(plain.content)
    for each in (reply, plain):
        assert each.headers["vary"] == "Accept-Encoding"
        assert "immutable" in each.headers["cache-control"]


def test_a_file_of_one_packet_is_not_compressed(storage: HashedStaticFiles) -> None:
    short = Path(storage.path(storage.stored_name("chat/short.js")))
    assert short.exists()
    assert not short.with_name(f"{short.name}.gz").exists()


def test_collecting_again_deletes_nothing_of_a_former_release(
    storage: HashedStaticFiles, tmp_path: Path
) -> None:
    former = tmp_path / "bundle" / "main-ZZZZZZZ7.js"
    former.write_text("// of the former release\n")
    files = {"chat/app.js": (storage, "chat/app.js")}
    assert all(done for _, _, done in storage.post_process(files))
    assert former.exists()
