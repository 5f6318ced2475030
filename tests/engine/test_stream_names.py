"""A kind of stream decides which texts name one of its rows; nothing else is a stream."""

import pytest

from realtime.core import streams
from realtime.core.streams import StreamKind
from realtime.protocol.errors import NotFound

UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture(autouse=True)
def _kinds_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_kinds", dict(streams._kinds))


def kind(ident: str = "int", *, personal: bool = False) -> StreamKind:
    made = StreamKind("order", lambda claims: {}, ident=ident, personal=personal)
    return streams.register(made)


@pytest.mark.parametrize(
    ("ident", "named", "refused"),
    [
        ("int", ["1", "900719925474099312"], ["", "0", "007", "-1", "1.5", "٣", "1" * 19]),
        ("uuid", [UUID], [UUID.upper(), UUID.replace("-", ""), "1", ""]),
        ("slug", ["general", "a_b-C", "7"], ["", "a.b", "a b", "é", "a" * 41]),
        (r"\w+\.\d+", ["acme.7"], ["acme", "7.acme", "é.7", "a" * 39 + ".7"]),
    ],
)
def test_only_the_texts_of_its_kind_name_a_stream(
    ident: str, named: list[str], refused: list[str]
) -> None:
    orders = kind(ident)
    for text in named:
        assert streams.parse(f"order.{text}") == (orders, text)
        assert orders.name(text) == f"order.{text}"
    for text in refused:
        with pytest.raises(NotFound):
            streams.parse(f"order.{text}")
        with pytest.raises(ValueError, match="is no ident of a stream order"):
            orders.name(text)


@pytest.mark.parametrize("prefix", ["", "an order", "order.late", "o" * 24])
def test_a_prefix_that_no_broker_takes_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match=r"prefix is .* expected 1 to 23 letters"):
        StreamKind(prefix, lambda claims: {})


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ident is '\[': expected int, uuid, slug"):
        kind("[")


def test_the_personal_kind_of_an_app_replaces_the_one_that_is_fallback() -> None:
    streams._kinds.clear()
    account = StreamKind("account", lambda claims: {}, personal=True, is_fallback=True)
    streams.register(account)
    assert streams.kinds() == (account,)
    orders = kind(personal=True)
    assert streams.kinds() == (orders,)
