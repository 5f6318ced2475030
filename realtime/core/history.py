"""Reads and writes of the history's name: the row ``Epoch``, and what the server reports of itself.

Any node that finds the database behind its memory changes the epoch (``renew``), once for the
cluster: the update names the epoch that was read, so only one of several nodes succeeds. The others
adopt the new name at their next head check.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from django.db import connection

from realtime.core.database import reconnect
from realtime.models import Epoch, new_epoch
from realtime.protocol.errors import Unavailable
from realtime.protocol.history import ObservedHistory, ServerState

_OWN_REPORTS = "(SELECT reports FROM realtime_node WHERE key = %s)"
_EPOCH = f"SELECT number, name, system, timeline, {_OWN_REPORTS}"
# The first eight digits of a file's name are the timeline that the server writes to. Directly after
# a promotion, pg_control_checkpoint() still shows the one before. A standby writes to none.
_WRITING = """
    , CASE WHEN pg_is_in_recovery() THEN NULL
      ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END
    , extract(epoch FROM pg_postmaster_start_time())::text
    , CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_flush_lsn() - '0/0'::pg_lsn END
    , pg_is_in_recovery()
"""
_CONTROL = """
    , (SELECT system_identifier::text FROM pg_control_system())
    , (SELECT checkpoint_lsn - '0/0'::pg_lsn FROM pg_control_checkpoint())
"""
_WITHOUT_CONTROL = ", '', NULL"
_FROM = " FROM realtime_epoch WHERE id = 1"
_MAY_READ_CONTROL = """
    SELECT has_function_privilege('pg_control_system()', 'EXECUTE')
       AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE')
"""


class CurrentEpoch:
    """The epoch that this process follows; None until its hub has read it."""

    def __init__(self) -> None:
        self.name: str | None = None


current: Final = CurrentEpoch()


def observe(node: str = "") -> ObservedHistory:
    """Read the epoch, the server's identity, and the number of reports in the row of ``node``.

    Raises ``Unavailable`` on a standby, which may be behind and cannot be written.
    """
    found = _observe(node)
    if found is None:
        Epoch.objects.get_or_create(pk=1)
        found = _observe(node)
    assert found is not None, "the row was created"
    if found.server.is_standby:
        raise Unavailable(
            "The database is a standby, which cannot be written. Try again in a moment.",
            retry_after=1.0,
        )
    return found


def observe_anew(node: str) -> ObservedHistory:
    """Observe over a new connection: those that are open may lead to a server that was replaced."""
    reconnect()
    return observe(node)


def renew(observed: ObservedHistory, known_number: int, node: str) -> ObservedHistory:
    """Give the history a new name, unless its name has changed since ``observed``; observe again.

    ``known_number`` is the number that this process follows; the new one is above both.
    """
    _rows(observed).update(
        name=new_epoch(),
        number=max(observed.number, known_number) + 1,
        system=observed.server.system,
        timeline=observed.server.timeline,
    )
    return observe(node)


def begin(node: str) -> tuple[ObservedHistory, bool]:
    """Observe when a node starts. Returns whether the server's identity made a new epoch."""
    observed = observe(node)
    if not observed.has_identity:  # made before identities were kept, or on another kind of server
        _rows(observed).update(
            system=observed.system or observed.server.system,
            timeline=observed.server.timeline if observed.timeline is None else observed.timeline,
        )
        observed = observe(node)
    if observed.is_of_other_server:
        return renew(observed, observed.number, node), True
    return observed, False


def _rows(observed: ObservedHistory) -> Any:
    return Epoch.objects.filter(pk=1, name=observed.epoch)


def _observe(node: str) -> ObservedHistory | None:
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(_EPOCH + _FROM, [node])
            return _observation(cursor.fetchone(), lambda: ServerState(instance=_file()))
        cursor.execute(_MAY_READ_CONTROL)
        control = _CONTROL if cursor.fetchone()[0] else _WITHOUT_CONTROL
        cursor.execute(_EPOCH + _WRITING + control + _FROM, [node])
        return _observation(cursor.fetchone(), _server)


def _observation(
    row: Sequence[Any] | None, server: Callable[..., ServerState]
) -> ObservedHistory | None:
    if row is None:
        return None
    number, epoch, system, timeline, reports, *rest = row
    return ObservedHistory(number, epoch, system, timeline, server(*rest), reports)


def _server(
    timeline: str | None,
    instance: str,
    flushed: Any,
    is_standby: bool,
    system: str,
    checkpoint: Any,
) -> ServerState:
    return ServerState(
        system,
        None if timeline is None else int(timeline, 16),
        instance,
        None if flushed is None else int(flushed),
        None if checkpoint is None else int(checkpoint),
        is_standby,
    )


def _file() -> str:
    """Return what identifies the file of SQLite: another one may have been put in its place."""
    try:
        found = Path(connection.settings_dict["NAME"]).stat()
    except OSError:  # in memory
        return ""
    return f"{found.st_dev}:{found.st_ino}"
