"""The cookies of a site with HTTPS: no other host can set them, and nothing breaks by that."""

import httpx
import pytest

from tests.conftest import PASSWORD, People
from tests.support.server import Node, Nodes

ORIGIN = "https://chat.example.org"
HTTPS = {"X-Forwarded-Proto": "https", "X-Real-IP": "192.0.2.1", "Host": "chat.example.org"}


@pytest.fixture
def node(nodes: Nodes, transactional_db: None) -> Node:
    return nodes.start(
        HOLDFAST_HTTPS="true",
        HOLDFAST_TRUST_PROXY="true",
        ALLOWED_HOSTS="chat.example.org,127.0.0.1",
        ALLOWED_ORIGINS=ORIGIN,
    )


def cookies(answer: httpx.Response) -> dict[str, str]:
    """Return the cookies that an answer sets, with their attributes in lower case."""
    return {
        line.partition("=")[0]: line.partition(";")[2].lower()
        for line in answer.headers.get_list("set-cookie")
    }


def test_cookies_belong_to_this_host_alone(node: Node, people: People) -> None:
    jar: dict[str, str] = {}

    def ask(method: str, path: str, **options: object) -> httpx.Response:
        # httpx keeps no Secure cookies of plain HTTP, which is here behind a proxy.
        header = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        answer = httpx.request(
            method,
            f"http://127.0.0.1:{node.port}{path}",
            headers={**HTTPS, "Origin": ORIGIN, **header, **options.pop("headers", {})},  # type: ignore[dict-item]
            **options,  # type: ignore[arg-type]
        )
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            jar[name] = value
        return answer

    form = ask("GET", "/accounts/login/")
    token = jar["__Host-csrftoken"]
    entered = ask(
        "POST",
        "/accounts/login/",
        data={"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token},
    )
    assert entered.status_code == 302
    chosen = ask(
        "POST",
        "/accounts/preferences/",
        data={"language": "de", "csrfmiddlewaretoken": jar["__Host-csrftoken"]},
    )
    given = cookies(form) | cookies(entered) | cookies(chosen)
    assert {"__Host-csrftoken", "__Host-sessionid", "__Host-language"} <= set(given)
    for name, attributes in given.items():
        assert "domain" not in attributes
        if name.startswith("__Host-"):
            assert "secure" in attributes, name
            assert "path=/" in attributes, name
            assert "samesite=lax" in attributes, name
    made = ask(
        "POST",
        "/api/rooms/",
        json={"name": "Lab", "kind": "public"},
        headers={"X-CSRFToken": jar["__Host-csrftoken"]},
    )
    assert made.status_code == 201
    opened = cookies(ask("GET", "/rooms/lab/"))["__Host-last_room"]
    assert "secure" in opened
    left = ask("POST", "/accounts/logout/", data={"csrfmiddlewaretoken": jar["__Host-csrftoken"]})
    forgotten = cookies(left)["__Host-last_room"]
    # Browsers ignore a cookie with this prefix that is not Secure, also one that deletes it.
    assert "max-age=0" in forgotten
    assert "secure" in forgotten
    ask("GET", "/accounts/login/")
    ask(
        "POST",
        "/accounts/login/",
        data={
            "username": "alice",
            "password": PASSWORD,
            "csrfmiddlewaretoken": jar["__Host-csrftoken"],
        },
    )
    # A name that others can set opens nothing.
    jar["sessionid"] = jar.pop("__Host-sessionid")
    assert ask("GET", "/api/rooms/").status_code == 401
