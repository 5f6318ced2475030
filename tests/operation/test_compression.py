"""Pages and answers of the API are compressed by the node, with sizes that tell nothing."""

import gzip

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import Client, RequestFactory

from realtime.site.compression import IN_A_THREAD, PADDING, SMALLEST, compressed
from tests.conftest import People

ACCEPTED = {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd"}
TEXT = "words, words, words. " * 200


def answered(response: HttpResponseBase, accepted: str = "gzip, br") -> HttpResponseBase:
    request = RequestFactory().get("/", headers={"accept-encoding": accepted})
    found = compressed(lambda _: response)(request)
    assert isinstance(found, HttpResponseBase)
    return found


def test_a_page_is_compressed(people: People, client: Client) -> None:
    client.force_login(people.alice)
    plain = client.get("/rooms/")
    page = client.get("/rooms/", **ACCEPTED)  # type: ignore[arg-type]
    assert page.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in page.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert len(page.content) < len(plain.content) / 3
    assert b"</html>" in gzip.decompress(page.content)


def test_an_answer_of_the_api_is_compressed(people: People, client: Client) -> None:
    client.force_login(people.alice)
    answer = client.get("/words/de-0.js", **ACCEPTED)  # type: ignore[arg-type]
    assert answer.headers["Content-Encoding"] == "gzip"


def test_the_size_of_a_page_is_random() -> None:
    sizes = {len(answered(HttpResponse(TEXT)).content) for _ in range(50)}  # type: ignore[attr-defined]
    assert len(sizes) > 10
    assert max(sizes) - min(sizes) <= PADDING


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse("x" * (SMALLEST - 1)),
        HttpResponse(TEXT, content_type="application/zip"),
        HttpResponse(TEXT, headers={"Content-Encoding": "br"}),
        StreamingHttpResponse([TEXT], content_type="text/event-stream"),
        StreamingHttpResponse([TEXT], content_type="text/html"),
    ],
    ids=["small", "an archive", "already", "event stream", "in parts"],
)
def test_what_gains_nothing_or_must_not_wait_is_left_alone(response: HttpResponseBase) -> None:
    before = response.headers.get("Content-Encoding")
    assert answered(response).headers.get("Content-Encoding") == before


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "br, gzip; q=0.0, zstd"])
def test_a_client_that_takes_no_gzip_gets_none(accepted: str) -> None:
    found = answered(HttpResponse(TEXT), accepted)
    assert "Content-Encoding" not in found.headers
    assert found.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["gzip", "br;q=0, gzip;q=0.5", "gzip;q=0.1", "deflate, gzip"])
def test_a_client_that_takes_gzip_gets_it(accepted: str) -> None:
    assert answered(HttpResponse(TEXT), accepted).headers["Content-Encoding"] == "gzip"


def test_length_and_etag_are_those_of_the_compressed_answer() -> None:
    response = HttpResponse(TEXT, headers={"Content-Length": str(len(TEXT)), "ETag": '"1"'})
    found = answered(response)
    assert isinstance(found, HttpResponse)
    assert found.headers["Content-Length"] == str(len(found.content))
    assert found.headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize("size", [SMALLEST, IN_A_THREAD * 2])
async def test_an_async_answer_is_compressed(size: int) -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"a" * size)

    found = await compressed(view)(RequestFactory().get("/", headers={"accept-encoding": "gzip"}))  # type: ignore[misc]
    assert found.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(found.content) == b"a" * size
