"""Invitations that are accepted, and notifications that tell owners of rooms from the site."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Q

# Also sent by owners and moderators of rooms until now.
ROOM_ACTS = (
    *("role", "succession", "transfer", "mute", "unmute", "remove", "ban", "unban"),
    *("delete", "restore"),
)


def part(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give the notifications about acts of ordinary users the kind ``room``."""
    users = apps.get_model(settings.AUTH_USER_MODEL)
    moderators = users.objects.filter(Q(is_superuser=True) | Q(groups__name="moderators"))
    rows = apps.get_model("notifications", "Notification").objects.filter(kind="moderation")
    rows = rows.exclude(actor__in=moderators.values("pk"))
    rows.filter(params__act__in=ROOM_ACTS).update(kind="room", level="info")


def unite(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("notifications", "Notification").objects
    rows.filter(kind="room").update(kind="moderation")


def refuse(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let nobody invite users again who left a room before."""
    rows = apps.get_model("chat", "Membership").objects.filter(state="left")
    rows.update(refused_at=F("joined_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0005_evidence"),
        ("notifications", "0002_growth"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="membership",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("invited", "Invited"),
                    ("left", "Left"),
                    ("removed", "Removed"),
                    ("banned", "Banned"),
                ],
                default="active",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="invited_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="invited by",
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="invited_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="invited"),
        ),
        migrations.AddField(
            model_name="membership",
            name="refused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="membership",
            name="noticed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(
                condition=Q(state="invited"), fields=["user"], name="membership_invited"
            ),
        ),
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(
                condition=Q(invited_by__isnull=False),
                fields=["invited_by", "invited_at"],
                name="membership_invited_by",
            ),
        ),
        migrations.RunPython(refuse, migrations.RunPython.noop),
        migrations.RunPython(part, unite),
    ]
