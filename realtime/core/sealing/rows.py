"""Rows that stamp themselves: a model whose every change is in a stream.

``StreamRow`` belongs to the operation ``AddStreamTrigger`` of a migration. The triggers see each
creation, change and deletion: from views, the admin, ``QuerySet.update()`` and plain SQL.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.db import models

from realtime.core.sealing.stamping import hint_after_commit
from realtime.core.streams import Authorise, Source, StreamKind, StreamName
from realtime.models import Tombstone
from realtime.protocol.page import Event

# Streams of one QuerySet.update() that are served at once; of more, the head check finds the rest.
MAX_HINTED = 200


class StreamRowQuerySet(models.QuerySet[Any]):
    """Queries whose changes are served at once."""

    def update(self, **values: Any) -> int:
        """Update the rows; their triggers stamp them."""
        model: type[StreamRow] = self.model
        streams = model.streams_of(self)
        changed = super().update(**values)
        hint_after_commit(streams)
        return changed

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        """Create the rows; their triggers stamp them."""
        made = super().bulk_create(objs, *args, **options)
        hint_after_commit([name for row in made if (name := row.stream_name)])
        return made

    bulk_create.alters_data = True  # type: ignore[attr-defined]


class StreamRow(models.Model):
    """A row of a stream. Subclasses name the stream and make the payload."""

    # The stream's head at the row's last change. Written by the database: never set it yourself.
    seq = models.BigIntegerField(default=0, editable=False)

    stream_prefix: ClassVar[str]  # "orders" in "orders.7"
    stream_field: ClassVar[str] = ""  # whose value is the ident; empty for a single stream
    row_kind: ClassVar[str]  # "order": the `kind` of its events

    objects: ClassVar[models.Manager[Any]] = StreamRowQuerySet.as_manager()

    class Meta:
        abstract = True

    def payload(self) -> dict[str, Any]:
        """Return the row as clients see it: values of this row only."""
        raise NotImplementedError(f"{type(self).__name__} needs a method payload()")

    @property
    def stream_name(self) -> StreamName | None:
        """The stream of the row; None if its field is empty."""
        return _name(type(self), self._ident())

    def as_event(self) -> Event:
        """Return the row as an event at its ``seq``."""
        return Event.of(self.row_kind, self.pk, self.seq, self.payload())

    def save(self, *args: Any, **options: Any) -> None:
        """Save the row, and have its readers served after the commit."""
        super().save(*args, **options)
        if name := self.stream_name:
            hint_after_commit([name])

    @classmethod
    def streams_of(cls, rows: "models.QuerySet[Any]") -> Sequence[StreamName]:
        """Return the streams of the rows that a query selects, at most ``MAX_HINTED``."""
        if not cls.stream_field:
            return [StreamName(cls.stream_prefix)]
        column = cls._stream_column()
        idents = rows.order_by().values_list(column, flat=True).distinct()[:MAX_HINTED]
        return [name for ident in idents if (name := _name(cls, ident))]

    @classmethod
    def kind_of_stream(cls, authorise: Authorise, **options: Any) -> StreamKind:
        """Return the kind of stream that these rows make: register it in ``AppConfig.ready``."""
        return StreamKind(
            cls.stream_prefix,
            authorise,
            [cls._rows(), cls._tombstones()],
            singleton=not cls.stream_field,
            sealed=True,
            **options,
        )

    def _ident(self) -> Any:
        if not self.stream_field:
            return ""
        return getattr(self, self._stream_column())

    @classmethod
    def _stream_column(cls) -> str:
        field: Any = cls._meta.get_field(cls.stream_field)
        return str(field.attname)

    @classmethod
    def _rows(cls) -> Source:
        def rows(ident: str, after: int, limit: int) -> Iterable[Event]:
            of_stream = {cls.stream_field: ident} if cls.stream_field else {}
            found: models.QuerySet[Any] = cls._base_manager.filter(seq__gt=after, **of_stream)
            return [row.as_event() for row in found.order_by("seq")[:limit]]

        return rows

    @classmethod
    def _tombstones(cls) -> Source:
        def tombstones(ident: str, after: int, limit: int) -> Iterable[Event]:
            found = Tombstone.objects.filter(
                stream=_name(cls, ident), kind=cls.row_kind, seq__gt=after
            )
            return [_as_event(cls, each) for each in found.order_by("seq")[:limit]]

        return tombstones


def hint_deleted(instance: StreamRow, **_: object) -> None:
    """Have the readers of a deleted row served after the commit; connected to ``post_delete``."""
    if name := instance.stream_name:
        hint_after_commit([name])


def watch_deletions(sender: type[models.Model], **_: object) -> None:
    """Connect a model of stream rows when its class is ready.

    A receiver for all models would take Django's fast deletions from every other model.
    """
    if issubclass(sender, StreamRow):
        models.signals.post_delete.connect(hint_deleted, sender=sender)


models.signals.class_prepared.connect(watch_deletions)


def _name(model: type[StreamRow], ident: Any) -> StreamName | None:
    if not model.stream_field:
        return StreamName(model.stream_prefix)
    return None if ident is None else StreamName(f"{model.stream_prefix}.{ident}")


def _as_event(model: type[StreamRow], tombstone: Tombstone) -> Event:
    key = model._meta.pk.to_python(tombstone.key)
    data = {"id": key if isinstance(key, int) else str(key), "deleted": True}
    return Event.of(model.row_kind, key, tombstone.seq, data)
