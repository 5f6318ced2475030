"""Checks for combinations of settings that would lose messages, sessions or secrets.

Every start refuses what cannot work. ``manage.py check --deploy`` also compares the settings with
the proxy, the supervisor and the database around the nodes.
"""

from typing import Final

from django.core import checks

from realtime.site.checks.cluster import (
    connections,
    one_machine,
    one_writer,
    passwords,
    pool,
    processes,
)
from realtime.site.checks.site import files, hosts, https, networks, origins, secret
from realtime.site.checks.stream_triggers import stream_triggers
from realtime.site.checks.timeouts import limits, nginx, proxy, supervisor, waits
from realtime.site.checks.users import user_model

AT_EVERY_START: Final = (processes, origins, secret, one_machine, limits, pool, waits, user_model)
BEFORE_A_DEPLOY: Final = (
    *(hosts, https, networks, files),
    *(one_writer, connections, passwords),
    *(proxy, supervisor, nginx),
)


def register_all() -> None:
    """Register the checks with Django; called from ``AppConfig.ready``."""
    for check in AT_EVERY_START:
        checks.register(check)
    for check in BEFORE_A_DEPLOY:
        checks.register(check, deploy=True)
    # Before each `migrate`, and by `check --database default`.
    checks.register(stream_triggers, checks.Tags.database)
