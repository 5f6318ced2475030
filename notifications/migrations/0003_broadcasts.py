"""Broadcasts that know how far they are, wait for a time, and say it in several languages."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F


def finish(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Count the earlier broadcasts as sent: where they stopped was not recorded."""
    rows = apps.get_model("notifications", "Broadcast").objects
    rows.update(finished_at=F("created_at"), done=F("recipients"))


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_growth")]

    operations = [
        migrations.AddField(
            model_name="broadcast",
            name="translations",
            field=models.JSONField(blank=True, null=True, verbose_name="translations"),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="done",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="reached"),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="scheduled_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="scheduled"),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="finished_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="finished"),
        ),
        migrations.AddField(
            model_name="announcement",
            name="translations",
            field=models.JSONField(blank=True, null=True, verbose_name="translations"),
        ),
        migrations.AddIndex(
            model_name="broadcast",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True), ("recalled_at__isnull", True)),
                fields=["id"],
                name="broadcast_unfinished",
            ),
        ),
        migrations.RunPython(finish, migrations.RunPython.noop),
    ]
