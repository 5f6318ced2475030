"""The machine of the node: descriptors, backlog, disk, time zones, static files, the settings."""

import json
import os
import resource
import shutil
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import checks

from realtime.doctor.probe_results import Area, ProbeResult
from realtime.site import bundle

# A node with 5,000 sockets needs one for each, and some hundred beside them.
DESCRIPTORS: Final = 8192
FREE_BYTES_WARN: Final = 2 * 1024**3
FREE_BYTES_FAIL: Final = 200 * 1024**2
SOMAXCONN: Final = Path("/proc/sys/net/core/somaxconn")  # Linux's

area = Area("machine")


def probe() -> Iterator[ProbeResult]:
    """Yield findings about the settings and the machine."""
    yield from _settings()
    yield from _descriptors()
    yield from _backlog()
    yield from _disk()
    yield from _time_zones()
    yield from _static_files()


def _settings() -> Iterator[ProbeResult]:
    found = checks.run_checks(include_deployment_checks=True)
    for message in found:
        if message.level >= checks.WARNING and not message.is_silenced():
            make = area.fail if message.level >= checks.ERROR else area.warn
            yield make(f"{message.id}: {message.msg}", message.hint or "See manage.py check.")
    if not found:
        yield area.ok("manage.py check --deploy has no findings")


def _descriptors() -> Iterator[ProbeResult]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        yield area.warn(
            f"a program may open {soft} files here: a node needs one for each socket",
            "Set LimitNOFILE=65536 in the unit, as nginx/systemd does, or ulimits in compose.yaml.",
        )
    else:
        yield area.ok(f"{soft} file descriptors")


def _backlog() -> Iterator[ProbeResult]:
    try:
        limit = int(SOMAXCONN.read_text())
    except (OSError, ValueError):
        return
    if limit < settings.HOLDFAST_BACKLOG:
        yield area.warn(
            f"net.core.somaxconn is {limit}, below HOLDFAST_BACKLOG, {settings.HOLDFAST_BACKLOG}: "
            "some clients are refused when all of them return at once",
            f"sysctl -w net.core.somaxconn={settings.HOLDFAST_BACKLOG}",
        )


def _disk() -> Iterator[ProbeResult]:
    places = {Path(settings.VAR_DIR)}
    engine = settings.DATABASES["default"]["ENGINE"]
    if "sqlite3" in engine:
        places.add(Path(settings.DATABASES["default"]["NAME"]).parent)
    for place in sorted(places):
        existing = next(path for path in [place, *place.parents] if path.exists())
        free = shutil.disk_usage(existing).free
        shown = f"{place} has {free / 1024**3:.1f} GiB free"
        if free < FREE_BYTES_FAIL:
            yield area.fail(shown, "Free some space: a full disk stops all posts.")
        elif free < FREE_BYTES_WARN:
            yield area.warn(shown, "Free some space.")
        else:
            yield area.ok(shown)
        if "sqlite3" in engine and place == existing and not os.access(place, os.W_OK):
            yield area.fail(f"{place} is not writable", "Give it to the account of the nodes.")


def _time_zones() -> Iterator[ProbeResult]:
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        yield area.fail(
            "there are no time zones: times are shown in UTC", "Install the package tzdata."
        )
    else:
        yield area.ok("time zones are installed")


def _static_files() -> Iterator[ProbeResult]:
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    try:
        collected = set(json.loads(manifest.read_text())["paths"])
    except (OSError, ValueError, KeyError):
        yield area.fail(
            f"no static files in {settings.STATIC_ROOT}", "Run manage.py collectstatic --no-input."
        )
        return
    # Those of the bundle are in no list: they are named by what is in them.
    root = Path(settings.STATIC_ROOT)
    collected |= {str(path.relative_to(root)) for path in (root / bundle.FOLDER).glob("*")}
    wanted = {
        path.replace(os.sep, "/")
        for finder in get_finders()
        for path, _ in finder.list(ignore_patterns=["CVS", ".*", "*~"])
    }
    if missing := sorted(wanted - collected):
        yield area.fail(
            f"{len(missing)} static files are not collected, such as {missing[0]}",
            "Run manage.py collectstatic --no-input.",
        )
    else:
        yield area.ok(f"{len(collected)} static files are collected")
