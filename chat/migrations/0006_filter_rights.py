"""Moderators of the site may make filters."""

from django.db import migrations

VERBS = ["view", "add", "change", "delete"]


def allow_moderators(apps, schema_editor):
    group = apps.get_model("auth", "Group").objects.filter(name="moderators").first()
    if group is None:
        return
    # Django makes content types and permissions after all migrations: too late for this one.
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="chat", model="filter"
    )
    for verb in VERBS:
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            codename=f"{verb}_filter",
            content_type=content_type,
            defaults={"name": f"Can {verb} filter"},
        )
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0005_filters"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(allow_moderators, migrations.RunPython.noop)]
