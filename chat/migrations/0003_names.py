import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from chat.text.confusables import skeletons

BATCH = 500
LENGTH = 255


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Index the names of all accounts and rooms. Of names that look alike, the oldest is not shared."""
    look, room = apps.get_model("chat", "UsernameLook"), apps.get_model("chat", "Room")
    folded_before: set[str] = set()
    written_before: set[str] = set()
    rows = []
    users = (
        apps.get_model(settings.AUTH_USER_MODEL)
        .objects.order_by("pk")
        .values_list("pk", "username")
    )
    for pk, username in users.iterator(BATCH):
        folded, written = (each[:LENGTH] for each in skeletons(username))
        is_shared = folded in folded_before or written in written_before
        if not is_shared:
            folded_before.add(folded)
            written_before.add(written)
        rows.append(look(user_id=pk, folded=folded, as_written=written, is_shared=is_shared))
    look.objects.bulk_create(rows, batch_size=BATCH)
    after = 0
    while some := list(
        room.objects.filter(pk__gt=after).exclude(name="").order_by("pk").only("pk", "name")[:BATCH]
    ):
        for row in some:
            row.look = skeletons(row.name)[0][:LENGTH]
        room.objects.bulk_update(some, ["look"])
        after = some[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0002_growth"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="room",
            name="look",
            field=models.CharField(editable=False, max_length=255, null=True),
        ),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(
                condition=models.Q(("kind", "public")), fields=["look"], name="room_look"
            ),
        ),
        migrations.CreateModel(
            name="UsernameLook",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("folded", models.CharField(db_index=True, max_length=255)),
                ("as_written", models.CharField(db_index=True, max_length=255)),
                ("is_shared", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_shared", False)),
                        fields=("folded",),
                        name="username_look_folded",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_shared", False)),
                        fields=("as_written",),
                        name="username_look_written",
                    ),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
