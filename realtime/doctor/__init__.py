"""``manage.py doctor``: try the servers around a node, and say what to do.

A probe is a function that yields findings. It asks one server and changes nothing there.
"""

from collections.abc import Callable, Iterator
from typing import Final

from realtime.doctor import database, jobs, machine, origin, servers
from realtime.doctor.probe_results import ProbeResult

Probe = Callable[[], Iterator[ProbeResult]]

PROBES: Final[dict[str, Probe]] = {
    "machine": machine.probe,
    "database": database.probe,
    "broker": servers.broker,
    "cache": servers.cache,
    "origin": origin.probe,
    "jobs": jobs.probe,
}
