"""Settings from environment variables: their values, and the errors of bad ones."""

import ipaddress
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from realtime.site.addresses.postgres_url import PARAMETERS
from realtime.site.environment import Environment
from tests.support.server import ROOT

BASE = Path("/srv/holdfast")
DEFAULT = BASE / "var" / "holdfast.sqlite3"


def refusal(name: str, value: str, method: str, *arguments: object, **options: object) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        getattr(Environment({name: value}), method)(name, *arguments, **options)
    return str(caught.value)


def database(url: str) -> dict[str, object]:
    return Environment({"DATABASE_URL": url}).database(
        "DATABASE_URL", base=BASE, default=DEFAULT, pool=9
    )


def layer(url: str) -> dict[str, object]:
    return Environment({"CHANNEL_LAYER_URL": url}).channel_layer(
        "CHANNEL_LAYER_URL", "memory://", capacity=7
    )


def test_apps_are_modules_or_their_configurations() -> None:
    named = "tests.extending, tests.extending.apps.OrdersConfig"
    found = Environment({"HOLDFAST_APPS": named}).apps("HOLDFAST_APPS")
    assert found == ["tests.extending", "tests.extending.apps.OrdersConfig"]


@pytest.mark.parametrize(
    "app", ["ordres", "no.such.Config", "tests.nowhere", ".", "a..b", "orders shop"]
)
def test_an_app_that_cannot_be_imported_is_named(app: str) -> None:
    assert refusal("HOLDFAST_APPS", app, "apps") == (
        f"HOLDFAST_APPS is {app!r}: expected Django apps, separated by commas, that this Python "
        f"can import."
    )


@pytest.mark.parametrize(
    ("method", "default"),
    [("text", "x"), ("switch", True), ("whole", 5), ("decimal", 0.5), ("words", ["a", "b"])],
)
@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_variable_is_one_that_is_not_set(method: str, default: object, value: str) -> None:
    assert getattr(Environment({"NAME": value}), method)("NAME", default) == default


def test_values_are_read_as_what_they_are() -> None:
    env = Environment({"A": " 12 ", "B": "0.25", "C": "Off", "D": "x, y,,z", "E": "json"})
    assert env.whole("A", 1) == 12
    assert env.decimal("B", 1) == 0.25
    assert env.switch("C", True) is False
    assert env.words("D", []) == ["x", "y", "z"]
    assert env.text("E", "console", choices=["console", "json"]) == "json"


@pytest.mark.parametrize("value", ["fast", "0", "-1", "1.5", "1e3", "٣x"])
def test_a_bad_number_is_named_with_what_was_expected(value: str) -> None:
    assert (
        refusal("HOLDFAST_SOFT_MARK", value, "whole", 1)
        == f"HOLDFAST_SOFT_MARK is {value!r}: expected a whole number of at least 1."
    )


@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf", "soon"])
def test_a_bad_period_is_named_with_what_was_expected(value: str) -> None:
    assert (
        refusal("HOLDFAST_X", value, "decimal", 1)
        == f"HOLDFAST_X is {value!r}: expected a number above 0."
    )


def test_a_switch_is_not_guessed() -> None:
    assert refusal("DEBUG", "flase", "switch", False) == "DEBUG is 'flase': expected true or false."


def test_a_choice_names_the_choices() -> None:
    assert "one of console, json" in refusal(
        "LOG_FORMAT", "xml", "text", "json", choices=["console", "json"]
    )


@pytest.mark.parametrize(
    "value",
    [
        "chat.example.org",
        "https://chat.example.org/",
        "https://*.example.org",
        "ftp://x",
        "https://x:y",
        "*",
    ],
)
def test_an_origin_is_a_whole_origin(value: str) -> None:
    assert refusal("ALLOWED_ORIGINS", value, "origins", []).startswith(
        f"ALLOWED_ORIGINS is {value!r}: expected origins such as https://"
    )


def test_origins_compare_in_lower_case() -> None:
    env = Environment({"ALLOWED_ORIGINS": "https://Chat.Example.org,http://localhost:8000"})
    assert env.origins("ALLOWED_ORIGINS", []) == [
        "https://chat.example.org",
        "http://localhost:8000",
    ]


def test_hosts_are_names_and_nothing_else() -> None:
    env = Environment({"HOLDFAST_IMAGE_HOSTS": "Images.Example.org, localhost:8443"})
    assert env.hosts("HOLDFAST_IMAGE_HOSTS", []) == ["images.example.org", "localhost:8443"]
    for value in (
        "*.example.org",
        "https://a.org",
        "a.org/x",
        "a.org;script-src",
        "'unsafe-inline'",
        "data:",
    ):
        assert refusal("HOLDFAST_IMAGE_HOSTS", value, "hosts", []).startswith(
            f"HOLDFAST_IMAGE_HOSTS is {value!r}: expected host names"
        )


def test_networks_are_read_and_refused() -> None:
    env = Environment({"METRICS_NETWORKS": "10.0.0.0/8, ::1"})
    assert env.networks("METRICS_NETWORKS", []) == [
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("::1"),
    ]
    assert refusal("METRICS_NETWORKS", "10.0.0.1/8", "networks", []).startswith(
        "METRICS_NETWORKS is '10.0.0.1/8': expected networks"
    )


def test_sqlite_is_the_default_and_relative_to_the_project() -> None:
    assert database("")["NAME"] == DEFAULT
    assert database("sqlite:///data/x.sqlite3")["NAME"] == BASE / "data/x.sqlite3"
    assert database("sqlite:////data/with%20space.sqlite3")["NAME"] == Path(
        "/data/with space.sqlite3"
    )


def test_sqlite_has_a_write_ahead_log_and_immediate_transactions() -> None:
    options = database("")["OPTIONS"]
    assert isinstance(options, dict)
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]


def test_postgresql_has_a_pool() -> None:
    config = database("postgres://holdfast:s%20cret@db.example.org:5433/holdfast?sslmode=require")
    assert (config["USER"], config["PASSWORD"], config["HOST"], config["PORT"]) == (
        "holdfast",
        "s cret",
        "db.example.org",
        "5433",
    )
    options = config["OPTIONS"]
    assert isinstance(options, dict)
    assert options["pool"]["max_size"] == 9
    assert options["sslmode"] == "require"
    assert config["CONN_MAX_AGE"] == 0


@pytest.mark.parametrize(
    "value",
    [
        "mysql://u:secret@h/n",
        "postgres://u:secret@h:port/n",
        "postgres://u:secret@h/",
        "postgres://u:secret@h1,/n",
        "postgres://u:secret@h1:5432,h2:99999/n",
        "postgres://u:secret@[::1/n",
        "secret",
        "sqlite://:memory:",
    ],
)
def test_a_bad_database_url_is_refused_without_its_password(value: str) -> None:
    sentence = refusal("DATABASE_URL", value, "database", base=BASE, default=DEFAULT, pool=1)
    assert sentence.startswith("DATABASE_URL ")
    assert sentence.endswith("expected sqlite:///PATH or postgres://USER:PASSWORD@HOST:PORT/NAME.")
    assert "secret" not in sentence


HOSTS = {
    "h1:5432,h2:5433": ("h1,h2", "5432,5433"),
    "h1,h2:5433": ("h1,h2", ",5433"),
    "h1,h2": ("h1,h2", ""),
    "[::1]:5432,[fe80::2],10.0.0.3:5434": ("::1,fe80::2,10.0.0.3", "5432,,5434"),
    "h1": ("h1", ""),
    "%2Frun%2Fpostgresql:5433": ("/run/postgresql", "5433"),
    "": ("", ""),
}


@pytest.mark.parametrize("hosts", HOSTS)
def test_postgresql_may_have_several_hosts(hosts: str) -> None:
    config = database(f"postgres://user:p%40ss@{hosts}/name?application_name=chat")
    assert (config["HOST"], config["PORT"]) == HOSTS[hosts]
    assert (config["USER"], config["PASSWORD"], config["NAME"]) == ("user", "p@ss", "name")
    options = config["OPTIONS"]
    assert isinstance(options, dict)
    assert options["application_name"] == "chat"
    assert options.get("target_session_attrs") == ("read-write" if "," in hosts else None)


def test_the_hosts_are_those_that_libpq_finds() -> None:
    """libpq itself reads the same URL."""
    for hosts, (host, port) in HOSTS.items():
        found = conninfo_to_dict(f"postgres://user:p%40ss@{hosts}/name")
        ports = str(found.get("port", ""))
        assert (found.get("host", ""), ports.strip(",")) == (host, port.strip(","))


def test_unix_sockets_are_hosts_too() -> None:
    for url, host in {
        "postgres://u@/name?host=/run/a,/run/b&port=5432,5433": "/run/a,/run/b",
        "postgres:////run/postgresql/name": "/run/postgresql",
    }.items():
        config = database(url)
        assert (config["HOST"], config["NAME"]) == (host, "name")


def test_every_parameter_that_may_be_given_is_one_of_libpq() -> None:
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    assert set(PARAMETERS) <= known
    page = (ROOT / "docs" / "high-availability.md").read_text()
    assert [name for name in PARAMETERS if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("foo=bar", "DATABASE_URL has the unknown parameter 'foo': expected application_name, "),
        ("ssl_mode=require", "the unknown parameter 'ssl_mode': did you mean sslmode?"),
        ("target_session_attrs=readwrite", "expected any, read-write, read-only, primary, "),
        ("sslmode=on", "has sslmode='on': expected disable, allow, prefer, require, verify-ca, "),
        ("connect_timeout=soon", "has connect_timeout='soon': expected a number."),
        ("port=1,2,3", "has 2 hosts and 3 ports: expected one port for each host, or one for all."),
    ],
)
def test_a_bad_parameter_of_the_database_is_named(query: str, sentence: str) -> None:
    url = f"postgres://u:secret@h1,h2/n?{query}"
    found = refusal("DATABASE_URL", url, "database", base=BASE, default=DEFAULT, pool=1)
    assert sentence in found
    assert "secret" not in found


def test_the_layer_of_one_process_is_memory() -> None:
    assert layer("") == {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": 7},
    }


def test_redis_may_be_silent_for_longer_than_the_layer_waits() -> None:
    config = layer("redis://a:6379/0,redis://b:6379/0")
    assert config["BACKEND"] == "channels_redis.pubsub.RedisPubSubChannelLayer"
    hosts = config["CONFIG"]["hosts"]  # type: ignore[index]
    assert [host["address"] for host in hosts] == ["redis://a:6379/0", "redis://b:6379/0"]
    assert all(host["socket_timeout"] > 5 for host in hosts)


def test_rabbitmq_holds_more_than_its_hundred() -> None:
    config = layer("amqp://guest:guest@rabbit:5672/%2F")
    assert config["BACKEND"] == "realtime.site.addresses.rabbitmq.RabbitLayer"
    assert config["CONFIG"] == {
        "host": "amqp://guest:guest@rabbit:5672/%2F",
        "local_capacity": 7,
        "remote_capacity": 7,
    }


@pytest.mark.parametrize(
    "value",
    [
        "redis://",
        "redis://:secret@a,memory://",
        "kafka://u:secret@k",
        "amqp://a,amqp://b",
        "memory",
        "redis://h:secret",
    ],
)
def test_a_bad_layer_url_is_refused_without_its_password(value: str) -> None:
    sentence = refusal("CHANNEL_LAYER_URL", value, "channel_layer", "memory://", capacity=1)
    assert sentence.startswith("CHANNEL_LAYER_URL ")
    assert "expected memory://, redis://HOST:PORT/DB" in sentence
    assert "secret" not in sentence


def test_the_cache_is_memory_or_redis() -> None:
    assert "locmem" in Environment({}).cache("CACHE_URL", "memory://")["BACKEND"]
    assert Environment({"CACHE_URL": "redis://a/1"}).cache("CACHE_URL", "memory://")[
        "LOCATION"
    ] == ["redis://a/1"]
    assert "expected memory:// or redis://HOST:PORT/DB" in refusal(
        "CACHE_URL", "memcached://a", "cache", "memory://"
    )


def test_a_variable_that_nothing_reads_is_a_typing_error() -> None:
    env = Environment({"HOLDFAST_COMAND_RATE": "5", "OTHER": "x"})
    env.whole("HOLDFAST_COMMAND_RATE", 50)
    with pytest.raises(
        ImproperlyConfigured,
        match=r"COMAND_RATE is set, but there is no such setting\. "
        r"Did you mean HOLDFAST_COMMAND_RATE\?",
    ):
        env.refuse_unknown("HOLDFAST_")


@pytest.mark.parametrize(
    ("name", "url", "parameter"),
    [
        ("CHANNEL_LAYER_URL", "redis://:secret@a:6379/0?foo=bar", "foo"),
        (
            "CHANNEL_LAYER_URL",
            "redis://a:6379/0,redis://b:6379/0?socket_timeout=1",
            "socket_timeout",
        ),
        ("CHANNEL_LAYER_URL", "redis://a:6379/0?ssl_ca_certs=/x", "ssl_ca_certs"),
        ("CHANNEL_LAYER_URL", "amqp://guest:secret@a:5672/%2F?heartbeat=5", "heartbeat"),
        ("CHANNEL_LAYER_URL", "memory://?x=", "x"),
        ("CACHE_URL", "unix:///run/redis.sock?database=1", "database"),
        ("DATABASE_URL", "sqlite:///data/x.sqlite3?timeout=20", "timeout"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused(name: str, url: str, parameter: str) -> None:
    method, *rest = {
        "CHANNEL_LAYER_URL": ("channel_layer", "memory://"),
        "CACHE_URL": ("cache", "memory://"),
        "DATABASE_URL": ("database",),
    }[name]
    options: dict[str, dict[str, object]] = {
        "channel_layer": {"capacity": 1},
        "cache": {},
        "database": {"base": BASE, "default": DEFAULT, "pool": 1},
    }
    sentence = refusal(name, url, method, *rest, **options[method])
    assert sentence.startswith(f"{name} has the parameter {parameter!r}, which ")
    assert "secret" not in sentence


def test_the_documented_parameters_of_redis_are_accepted() -> None:
    assert layer("rediss://:secret@a:6379/0?ssl_ca_certs=/etc/ca.pem")
    assert layer("unix:///run/redis/redis-server.sock?db=0")
