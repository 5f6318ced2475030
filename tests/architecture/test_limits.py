"""Everything that leaves the process has a time limit: few modules may call out at all."""

from tests.architecture.source import who_imports

# Names that open connections, and the modules that may use them. docs/operations.md lists their
# limits.
CALLERS = {
    "smtplib": set(),
    "http.client": set(),
    "urllib.request": set(),
    "requests": set(),
    "httpx": set(),
    "aiohttp": set(),
    "django.core.mail": set(),
    "ftplib": set(),
    "redis": {"realtime/site/addresses/sentinel.py"},
    "psycopg": {"realtime/core/outages.py", "realtime/core/postgresql.py"},
    "socket": {
        "realtime/core/postgresql.py",
        "realtime/server/listeners.py",
        "realtime/server/websocket_protocol.py",
        "realtime/site/options.py",
    },
}

# Its probes call everything, and `probe_results.run` ends each of them in time.
DOCTOR = {"realtime/doctor/origin.py", "realtime/doctor/servers.py", "realtime/doctor/machine.py"}


def test_only_modules_with_limits_call_out() -> None:
    for library, allowed in CALLERS.items():
        assert who_imports(library) - DOCTOR <= allowed, library
