"""The nodes of the cluster in the Django admin, live: the last report of each, and the totals."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from realtime.admin.busy import busy
from realtime.core.generics import ModelAdmin
from realtime.core.monitoring.node_reports import REPORT_SECONDS, Seen, seen
from realtime.core.monitoring.peers import in_memory
from realtime.models import Node


@dataclass(frozen=True, slots=True)
class Total:
    """The sums over all nodes that report."""

    nodes: int
    connections: int
    subscriptions: int
    behind: int
    delivered_rate: float
    command_rate: float
    handshake_rate: float

    @classmethod
    def of(cls, found: list[Seen]) -> "Total":
        """Return the totals of ``found``."""
        alive = [each.node for each in found if not each.silent]
        return cls(
            nodes=len(alive),
            connections=sum(node.connections for node in alive),
            subscriptions=sum(node.subscriptions for node in alive),
            behind=sum(node.behind for node in alive),
            delivered_rate=sum(node.delivered_rate for node in alive),
            command_rate=sum(node.command_rate for node in alive),
            handshake_rate=sum(node.handshake_rate for node in alive),
        )


@admin.register(Node)
class NodeAdmin(ModelAdmin[Node]):
    """One page that updates itself. With ``?live``, only the part that changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False, because only nodes write their rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        """Return False, for the same reason."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        """Return False: the row of a dead node is deleted after a day anyway."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show all nodes."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = seen()
        shown = {
            "found": found,
            "total": Total.of(found),
            "alarms": _alarms(found),
            "busy": busy(found),
            "every": REPORT_SECONDS,
        }
        if "live" in request.GET:
            return TemplateResponse(request, "admin/realtime/node/_nodes.html", shown)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Nodes"),
            **shown,
        }
        return TemplateResponse(request, "admin/realtime/node/nodes.html", context)


def _alarms(found: list[Seen]) -> list[str]:
    """Return a sentence for each problem of the cluster."""
    alarms = []
    if silent := [each.node.name for each in found if each.silent]:
        alarms.append(
            _("No reports from %(names)s. They stopped, or can't reach the database.")
            % {"names": ", ".join(silent)}
        )
    if degraded := [each.node.name for each in found if each.node.degraded and not each.silent]:
        text = _(
            "Can't reach the broker: %(names)s. Messages may arrive up to a second late, "
            "but none is lost."
        )
        alarms.append(text % {"names": ", ".join(degraded)})
    if in_memory() and sum(not each.silent and not each.node.draining for each in found) > 1:
        text = _(
            "Several nodes use this database, but %(settings)s of this one is memory://. Messages "
            "arrive late, and sign-outs may take a minute."
        )
        alarms.append(text % {"settings": ", ".join(in_memory())})
    return alarms
