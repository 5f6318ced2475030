"""The system's own account, the group of the moderators, and the lock on their log."""

from django.contrib.auth.hashers import make_password
from django.db import migrations

# What moderators may open in the admin. What they change there goes through the services.
VIEW = [
    "room",
    "membership",
    "message",
    "removedtext",
    "report",
    "moderationlog",
    "siteban",
    "blockedword",
]
CHANGE = ["room", "membership", "message", "report"]
ADD = ["siteban", "blockedword"]
DELETE = ["blockedword"]


def make_system_user(apps, schema_editor):
    User = apps.get_model("auth", "User")
    defaults = {"first_name": "Holdfast", "is_active": False, "password": make_password(None)}
    User.objects.get_or_create(username="holdfast", defaults=defaults)


def make_moderators(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    ContentType = apps.get_model("contenttypes", "ContentType")
    group, _ = Group.objects.get_or_create(name="moderators")
    for verb, models in (("view", VIEW), ("change", CHANGE), ("add", ADD), ("delete", DELETE)):
        for model in models:
            # Django makes content types and permissions after all migrations: too late for this
            # one.
            content_type, _ = ContentType.objects.get_or_create(app_label="chat", model=model)
            name = apps.get_model("chat", model)._meta.verbose_name
            permission, _ = Permission.objects.get_or_create(
                codename=f"{verb}_{model}",
                content_type=content_type,
                defaults={"name": f"Can {verb} {name}"},
            )
            group.permissions.add(permission)


# SQLite: no trigger on DELETE, because a test that empties the tables uses it; PostgreSQL empties
# them with TRUNCATE.
SQLITE = """
CREATE TRIGGER chat_moderationlog_append_only BEFORE UPDATE ON chat_moderationlog
BEGIN SELECT RAISE(ABORT, 'the moderation log is append-only'); END;
"""
POSTGRESQL = """
CREATE FUNCTION chat_moderationlog_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the moderation log is append-only'; END $$;
CREATE TRIGGER chat_moderationlog_append_only BEFORE UPDATE OR DELETE ON chat_moderationlog
FOR EACH ROW EXECUTE FUNCTION chat_moderationlog_append_only();
"""


def lock_log(apps, schema_editor):
    schema_editor.execute(POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE)


def unlock_log(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER chat_moderationlog_append_only ON chat_moderationlog")
        schema_editor.execute("DROP FUNCTION chat_moderationlog_append_only()")
    else:
        schema_editor.execute("DROP TRIGGER chat_moderationlog_append_only")


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(make_system_user, migrations.RunPython.noop),
        migrations.RunPython(make_moderators, migrations.RunPython.noop),
        migrations.RunPython(lock_log, unlock_log),
    ]
