"""Defaults for the settings of a project that is not this site, so that a dozen lines are enough.

The order: a setting of that name in the project's settings, the key in ``HOLDFAST = {…}``, the
environment variable, the default.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from realtime.site import options

PREFIX: Final = "HOLDFAST_"
DICTIONARY: Final = "HOLDFAST"
DEFAULT_PORT: Final = 8000
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


def apply(settings: LazySettings) -> None:
    """Give ``settings`` every setting that it does not have. Called before any model is loaded."""
    given = _given(settings)
    known = {name: getattr(options, name) for name in dir(options) if name.isupper()}
    known |= dict(_of_the_project(settings))
    unknown = sorted(set(given) - {name.removeprefix(PREFIX) for name in known})
    if unknown:
        raise ImproperlyConfigured(
            f"{DICTIONARY}: {unknown[0]!r} is no setting of Holdfast; docs/operations.md lists them"
        )
    for name, default in known.items():
        key = name.removeprefix(PREFIX)
        if key in given:
            setattr(settings, name, _checked(key, given[key], default))
        elif not hasattr(settings, name):
            setattr(settings, name, default)


def _given(settings: LazySettings) -> dict[str, Any]:
    given = getattr(settings, DICTIONARY, {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(f"{DICTIONARY}: expected a dictionary, got {given!r}")
    return given


def _checked(key: str, value: Any, default: object) -> Any:
    """Return a value of the dictionary, if it has the type of the default."""
    expected: tuple[type, ...] = (type(default),)
    if isinstance(default, float | int) and not isinstance(default, bool):
        expected = (int, float) if isinstance(default, float) or key.endswith("SECONDS") else (int,)
    elif isinstance(default, list):
        expected = (list, tuple)
    fits = isinstance(value, expected) and isinstance(value, bool) == isinstance(default, bool)
    if not fits:
        raise ImproperlyConfigured(
            f"{DICTIONARY}[{key!r}] is {value!r}: expected {expected[-1].__name__}"
        )
    return value


def _of_the_project(settings: LazySettings) -> Iterator[tuple[str, Any]]:
    """Yield the settings whose defaults follow from the project's own settings."""
    base = Path(getattr(settings, "BASE_DIR", Path.cwd()))
    port = getattr(settings, "PORT", DEFAULT_PORT)
    here = [f"http://{host}:{port}" for host in LOCAL_HOSTS] if settings.DEBUG else []
    yield "PORT", DEFAULT_PORT
    yield "BASE_DIR", base
    yield "VAR_DIR", base / "var"
    yield "ALLOWED_ORIGINS", list(settings.CSRF_TRUSTED_ORIGINS) or here
    yield "METRICS_NETWORKS", options.env.networks("METRICS_NETWORKS", _own_machine(settings.DEBUG))
    yield "HOLDFAST_HTTPS", settings.SECURE_SSL_REDIRECT or settings.SESSION_COOKIE_SECURE
    yield "HOLDFAST_BUNDLE_DIR", str(base / "dist")
    yield "CHANNEL_LAYERS", {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def _own_machine(debug: bool) -> list[str]:
    return ["127.0.0.0/8", "::1"] if debug else []
