"""Frames: an object with an integer id is always answered; anything else closes the socket."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.protocol import frames
from realtime.protocol.errors import BadRequest, NotFound, RateLimited, Reset
from realtime.protocol.frames import BadFrame, Unreadable
from realtime.protocol.page import Event, Page

ROOM = "room.42"
HUGE = "1" * 5000
TEXTS = {
    "b": '"\\ud800"',
    "n": '"\\u0000"',
    "i": "9" * 30,
    "f": "1e400",
    "d": "[" * 100 + "]" * 100,
}


def answer_to(text: str) -> tuple[str, str]:
    """The answer to an unreadable object: its id as repeated, and its message."""
    with pytest.raises(Unreadable) as caught:
        frames.decode(text)
    reply = frames.refusal(caught.value.id, caught.value.error)
    assert caught.value.error.code == "bad_request"
    return reply.decode().removeprefix('{"type":"reply","id":').split(",")[
        0
    ], caught.value.error.message


def outcome(text: str) -> dict[str, Any] | Unreadable | None:
    """The request, what it is answered with, or None where the socket is closed."""
    try:
        return frames.decode(text)
    except Unreadable as unreadable:
        return unreadable
    except BadFrame:
        return None


class TestDecode:
    def test_a_command_is_an_object_with_an_integer_id(self) -> None:
        assert frames.decode('{"id":4,"command":"ping"}') == {"id": 4, "command": "ping"}

    def test_bytes_of_utf8_are_read_as_well(self) -> None:
        assert frames.decode('{"id":4,"body":"Grüß Gott 👋"}'.encode()) == {
            "id": 4,
            "body": "Grüß Gott 👋",
        }

    @pytest.mark.parametrize(
        "text", ['{"id":-3}', '{"id":0}', ' { "id" : -0 } \n', '{"i\\u0064":7}', '{"id":1,"id":2}']
    )
    def test_any_integer_will_do(self, text: str) -> None:
        assert frames.decode(text) == json.loads(text)

    @pytest.mark.parametrize(
        "digits", ["9223372036854775808", "-9223372036854775809", "1" * 30, HUGE, f"-{HUGE}"]
    )
    def test_a_huge_id_is_repeated_digit_by_digit(self, digits: str) -> None:
        request = frames.decode(f'{{"id": {digits}, "command": "ping"}}')
        assert request["command"] == "ping"
        assert (
            frames.reply(request["id"], {}).decode()
            == f'{{"type":"reply","id":{digits},"ok":true,"data":{{}}}}'
        )

    @pytest.mark.parametrize(
        "digits", ["1234567890123456789", "9223372036854775807", "-9223372036854775808"]
    )
    def test_a_number_of_64_bits_is_carried_on(self, digits: str) -> None:
        assert frames.decode(f'{{"id":1,"streams":{{"room.1":{digits}}},"after":{digits}}}')[
            "after"
        ] == int(digits)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "{",
            "[]",
            "[1]",
            "7",
            "null",
            '"id"',
            "{}",
            '{"ID":1}',
            '{"id":null}',
            '{"id":true}',
            '{"id":"1"}',
            '{"id":1.0}',
            '{"id":1e2}',
            '{"id":[1]}',
            '{"id":{"id":1}}',
            '{"id":1}}',
            '{"id":1} {}',
            '{"id":01}',
            '{"id":+1}',
            '{"id":1,}',
            "{'id':1}",
            '{"id":1,"x":NaN}',
            '{"id":1,"x":Infinity}',
            '{"id":1,"x":"\t"}',
            '{"id":1,"x":"\\x"}',
            '{"id":1,"x":"\x00"}',
            '\ufeff{"id":1}',
            '{"id":1,"x":"\ud800"}',
            '{"id":7,"id":"x"}',
        ],
    )
    def test_anything_else_closes_the_socket(self, text: str) -> None:
        with pytest.raises(BadFrame):
            frames.decode(text)

    @pytest.mark.parametrize(
        "raw", [b"\xff", b'{"id":1,"x":"\xff"}', b'{"id":1,"x":"\xed\xa0\x80"}', b"\x00\x01"]
    )
    def test_bytes_that_are_no_utf8_close_the_socket(self, raw: bytes) -> None:
        with pytest.raises(BadFrame):
            frames.decode(raw)

    @pytest.mark.parametrize("value", TEXTS.values(), ids=TEXTS)
    @pytest.mark.parametrize(
        "shape",
        [
            '{"id":"x","b":%s}',
            '[{"id":1,"b":%s}]',
            '{"id":1,"b":%s',
            '{"id":1,"b":%s}}',
            '{"b":%s,"id":1.0}',
        ],
    )
    def test_what_cannot_be_carried_on_closes_the_socket_too_where_nobody_waits_for_an_answer(
        self, value: str, shape: str
    ) -> None:
        with pytest.raises(BadFrame):
            frames.decode(shape % value)


class TestUnreadable:
    """An object with an integer id gets an error that names the field, wherever the id is."""

    @pytest.mark.parametrize(
        "shape",
        [
            '{"id":7,"body":%s}',
            '{"body":%s,"id":7}',
            '{"id":7,"body":[{"a":[%s]}]}',
            '{"id":7,"x":1,"body":%s,"y":{}}',
        ],
    )
    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ('"\\ud800"', "half of a surrogate pair is not a character"),
            ('"\\udc00\\ud800 x"', "half of a surrogate pair is not a character"),
            ('"a\\u0000b"', "the character NUL cannot be stored"),
            ('{"\\u0000":1}', "the character NUL cannot be stored"),
            ("9223372036854775808", "an integer beyond 64 bits"),
            ("-9223372036854775809", "an integer beyond 64 bits"),
            (HUGE, "an integer beyond 64 bits"),
            ("1e400", "a number beyond what a double can hold"),
            ("-1E+400", "a number beyond what a double can hold"),
            (f"{HUGE}.5", "a number beyond what a double can hold"),
            ("[" * 30000 + "]" * 30000, "nested deeper than 64 levels"),
            ('{"a":' * 65 + "0" + "}" * 65, "nested deeper than 64 levels"),
        ],
    )
    def test_the_field_is_named(self, shape: str, value: str, problem: str) -> None:
        assert answer_to(shape % value) == ("7", f"body: {problem}")

    def test_a_name_can_be_wrong_too(self) -> None:
        assert answer_to('{"id":7,"a\\u0000":1}') == (
            "7",
            "a\\u0000: the character NUL cannot be stored",
        )

    def test_a_long_name_is_shortened(self) -> None:
        assert (
            answer_to(f'{{"id":7,"{"n" * 500}":1e400}}')[1]
            == f"{'n' * 64}: a number beyond what a double can hold"
        )

    def test_the_first_of_two_is_named(self) -> None:
        assert answer_to('{"a":"\\u0000","b":1e400,"id":7}')[1].startswith("a: ")

    def test_a_huge_id_is_repeated_here_too(self) -> None:
        assert answer_to(f'{{"id":{HUGE},"body":"\\u0000"}}')[0] == HUGE

    def test_an_id_that_does_not_count_is_a_number_like_any_other(self) -> None:
        assert answer_to(f'{{"id":{HUGE},"id":7}}') == ("7", "id: an integer beyond 64 bits")

    @pytest.mark.parametrize(
        "text",
        [
            '{"id":1,"x":"\\\\u0000"}',
            '{"id":1,"x":"\\\\ud800"}',
            '{"id":1,"x":"1234567890123456789","y":[]}',
        ],
    )
    def test_what_only_looks_wrong_is_carried_on(self, text: str) -> None:
        assert frames.decode(text) == json.loads(text)

    def test_brackets_in_a_text_are_no_nesting(self) -> None:
        request = {"id": 1, "body": "[" * 1000, "list": ["{"]}
        assert frames.decode(json.dumps(request)) == request

    def test_sixty_four_levels_are_enough_for_everybody(self) -> None:
        request = json.loads('{"id":1,"x":' + "[" * 63 + "]" * 63 + ',"y":[[],[]]}')
        assert frames.decode(json.dumps(request)) == request


# Against the standard library, which is no friend of hostile input, but knows what JSON is.

pieces = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"id"',
        '"a"',
        '"id":7',
        "7",
        "-0",
        "1.5e3",
        "1e999",
        "9" * 20,
        "true",
        "null",
        '"\\ud800"',
        '"\\u0000"',
        '"\\ud83d\\udc4b"',
        '"',
        "\\",
        " ",
        "\n",
        "NaN",
        "x",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just("\ud800")
    | st.just("\x00"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.just("id"), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "command"]), values, max_size=3)
texts = (
    st.lists(pieces, max_size=12).map("".join)
    | values.map(json.dumps)
    | st.tuples(st.integers(), objects).map(lambda pair: json.dumps({"id": pair[0], **pair[1]}))
)


def refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


@given(texts)
@example('{"a":"\\ud800","id":7}')
@example('{"a":[1e999],"id":7}')
def test_the_standard_library_agrees_about_what_is_answered(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=refuse)
    except ValueError:
        expected = None
    answered = isinstance(expected, dict) and type(expected.get("id")) is int
    found = outcome(text)
    assert (found is not None) == answered
    if isinstance(found, Unreadable):
        assert (
            frames.reply(found.id, {})
            == b'{"type":"reply","id":%d,"ok":true,"data":{}}' % expected["id"]
        )
    elif found is not None:
        assert msgspec.json.encode(found.pop("id")) == b"%d" % expected.pop("id")
        assert found == expected
        assert "\\u0000" not in json.dumps(found)
        assert msgspec.json.encode(found)


class TestEncode:
    def test_hello(self) -> None:
        user = {"id": 7, "username": "alice", "name": "Alice"}
        assert frames.hello(
            "c-9f3a61",
            "socket-1",
            "0.1.0",
            user,
            "e-51c0",
            25,
            {"inbox.7": 12, "announcements": 3},
            "2026-11-24T10:00:00+00:00",
        ) == (
            b'{"type":"hello","connection":"c-9f3a61","node":"socket-1","version":"0.1.0","user":{"id":7,"username":"alice","name":"Alice"},'
            b'"epoch":"e-51c0","ping_after":25,"heads":{"inbox.7":12,"announcements":3},'
            b'"now":"2026-11-24T10:00:00+00:00"}'
        )

    def test_a_reply(self) -> None:
        assert frames.reply(4, {}) == b'{"type":"reply","id":4,"ok":true,"data":{}}'

    def test_a_refusal(self) -> None:
        error = RateLimited("Wait 4 s before the next message.", retry_after=4.0)
        assert frames.refusal(4, error) == (
            b'{"type":"reply","id":4,"ok":false,"error":'
            b'{"code":"rate_limited","message":"Wait 4 s before the next '
            b'message.","retry_after":4.0}}'
        )

    def test_an_event(self) -> None:
        event = Event.of("message", 90210, 1051, {"id": 90210})
        assert (
            frames.event(ROOM, event)
            == b'{"type":"event","stream":"room.42","seq":1051,"kind":"message",'
            b'"data":{"id":90210}}'
        )

    def test_a_hidden_event_is_shown_to_nobody(self) -> None:
        with pytest.raises(ValueError, match="hidden revocation:3"):
            frames.event(ROOM, Event.hidden("revocation", 3, 9))

    def test_a_page_leaves_out_what_is_hidden(self) -> None:
        events = (
            Event.of("message", 1, 1043, {}),
            Event.hidden("revocation", 3, 1044),
            Event.of("message", 2, 1045, {}),
        )
        assert frames.page(ROOM, Page(1040, 1051, 1060, events)) == (
            b'{"type":"page","stream":"room.42","from":1040,"to":1051,"head":1060,'
            b'"events":[{"seq":1043,"kind":"message","data":{}},{"seq":1045,"kind":"message","data":{}}]}'
        )

    def test_a_page_of_an_http_answer_has_no_type(self) -> None:
        assert (
            frames.page_body(ROOM, Page(9, 9, 9, ()))
            == b'{"stream":"room.42","from":9,"to":9,"head":9,"events":[]}'
        )

    def test_a_subscription_is_answered_stream_by_stream(self) -> None:
        pages = {
            ROOM: Page(9, 9, 9, ()),
            "inbox.7": Page(0, 1, 1, (Event.of("notification", 5, 1, {}),)),
        }
        errors = {
            'room."x"': NotFound("There is no such stream."),
            "room.7": Reset("Load a snapshot.", head=3),
        }
        reply = json.loads(frames.subscribed(4, pages, errors))
        assert (reply["type"], reply["id"], reply["ok"]) == ("reply", 4, True)
        assert reply["data"]["pages"] == {
            name: json.loads(frames.page_body(name, page)) for name, page in pages.items()
        }
        assert reply["data"]["errors"] == {
            name: error.as_object() for name, error in errors.items()
        }

    def test_nothing_subscribed_is_answered_too(self) -> None:
        assert (
            frames.subscribed(4, {}, {})
            == b'{"type":"reply","id":4,"ok":true,"data":{"pages":{},"errors":{}}}'
        )

    def test_a_pull(self) -> None:
        page = Page(9, 9, 9, ())
        assert json.loads(frames.pulled(4, ROOM, page))["data"] == json.loads(
            frames.page_body(ROOM, page)
        )

    def test_behind(self) -> None:
        assert frames.behind(ROOM, 2100) == b'{"type":"behind","stream":"room.42","head":2100}'

    def test_a_signal(self) -> None:
        assert frames.signal(ROOM, "read", {"user": 7, "number": 880}) == (
            b'{"type":"signal","stream":"room.42","kind":"read","data":{"user":7,"number":880}}'
        )

    def test_closed(self) -> None:
        assert (
            frames.closed(ROOM, "removed")
            == b'{"type":"closed","stream":"room.42","reason":"removed"}'
        )

    def test_bye(self) -> None:
        assert frames.bye("restart", 2.4) == b'{"type":"bye","reason":"restart","retry_after":2.4}'

    def test_bye_without_a_slot(self) -> None:
        assert frames.bye("banned", None) == b'{"type":"bye","reason":"banned"}'

    def test_one_object_stays_an_object(self) -> None:
        assert frames.joined([b"{}"]) == b"{}"

    def test_several_objects_are_an_array_in_order(self) -> None:
        assert frames.joined([b"{}", b'{"a":1}']) == b'[{},{"a":1}]'

    def test_an_error_of_a_hostile_name_can_be_encoded(self) -> None:
        assert json.loads(frames.refusal(1, BadRequest('"\\')))["error"]["message"] == '"\\'
