"""The files with which a browser installs Holdfast: how they are served, without user data."""

import base64
import hashlib
import json
import math
import re
import struct
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from chat.pages.offline import ICONS, PAPER
from tests.architecture.source import ROOT

OKLCH = r"oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)"
TOKEN = re.compile(rf"--ink-3: light-dark\({OKLCH}, {OKLCH}\)")


def carried(text: str) -> dict[str, str]:
    """The page that the worker carries, and its policy."""
    return dict(
        json.loads(text.partition("\n")[0].removeprefix("self.HOLDFAST = ").removesuffix(";"))
    )


def test_the_worker_is_in_charge_of_the_whole_site(client: Client) -> None:
    response = client.get("/service-worker.js")
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert "connect-src 'self'" in response.headers["Content-Security-Policy"]


def test_the_worker_is_sent_again_only_where_it_has_changed(client: Client) -> None:
    tag = client.get("/service-worker.js?language=de").headers["ETag"]
    assert (
        client.get("/service-worker.js?language=de", headers={"if-none-match": tag}).status_code
        == 304
    )
    assert (
        client.get("/service-worker.js?language=en", headers={"if-none-match": tag}).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "You're offline"), ("de", "Du bist offline"), ("xx", "You're offline")],
)
def test_the_page_speaks_the_language_of_the_address(
    client: Client, language: str, title: str
) -> None:
    text = client.get(
        f"/service-worker.js?language={language}", headers={"accept-language": "ar"}
    ).text
    assert f'<h1 class="card__title">{title}</h1>' in carried(text)["page"]


def test_the_policy_of_the_page_lets_its_own_style_and_script_in(client: Client) -> None:
    brought = carried(client.get("/service-worker.js").text)
    inline = re.findall(r"<(style|script)[^>]*>(.*?)</\1>", brought["page"], re.DOTALL)
    assert [tag for tag, _ in inline] == ["style", "script"]
    for tag, text in inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in brought["policy"]
    assert "unsafe" not in brought["policy"]
    assert brought["policy"].startswith("default-src 'none'; ")


def test_the_manifest_names_the_site_as_its_operator_does(
    client: Client, settings: Settings
) -> None:
    settings.HOLDFAST_APP_NAME = "Chat of the Lab"
    response = client.get("/manifest.webmanifest?language=de")
    assert response.headers["Content-Type"] == "application/manifest+json"
    values = response.json()
    assert (values["name"], values["lang"], values["dir"], values["scope"]) == (
        "Chat of the Lab",
        "de",
        "ltr",
        "/",
    )
    assert values["shortcuts"][0]["name"] == "Eingang"
    assert client.get("/manifest.webmanifest?language=ar").json()["dir"] == "rtl"


def test_every_page_leads_to_the_manifest(client: Client, db: None) -> None:
    assert (
        '<link rel="manifest" href="/manifest.webmanifest?language=en"'
        in client.get("/accounts/login/").text
    )


@pytest.mark.parametrize(
    ("name", "sizes"), [(name, sizes) for name, sizes, kind, _ in ICONS if kind == "image/png"]
)
def test_an_icon_is_as_large_as_it_says(name: str, sizes: str) -> None:
    found = finders.find(name)
    assert isinstance(found, str)
    width, height = struct.unpack(">II", Path(found).read_bytes()[16:24])
    assert f"{width}x{height}" == sizes


def test_the_colours_of_the_app_are_those_of_its_pages() -> None:
    tokens = (ROOT / "chat" / "static" / "chat" / "css" / "base" / "tokens.css").read_text()
    found_token = TOKEN.search(tokens)
    assert found_token is not None
    values = [float(value) for value in found_token.groups()]
    light, dark = (_hex(values[at] / 100, values[at + 1], values[at + 2]) for at in (0, 3))
    assert light == PAPER
    for name in ("templates/base.html", "chat/templates/chat/offline.html"):
        found = re.findall(r'"theme-color" content="(.*?)"', (ROOT / name).read_text())
        assert found == [light, dark]


def _hex(lightness: float, chroma: float, hue: float) -> str:
    """Return an OKLCH colour in sRGB (https://www.w3.org/TR/css-color-4/#color-conversion-code)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
    )
    return "#" + "".join(
        f"{round(255 * (1.055 * part ** (1 / 2.4) - 0.055)):02x}" for part in linear
    )
