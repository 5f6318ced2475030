"""The names in the entry of a person's renaming can be erased: the one change that the append-only moderation log allows."""

from django.db import migrations

MESSAGE = "the moderation log is append-only"
KEPT = (
    "id",
    "action",
    "actor_id",
    "subject_id",
    "room_id",
    "message_id",
    "reason",
    "ending",
    "created_at",
)
SQLITE_DROP = "DROP TRIGGER chat_moderationlog_append_only"
SQLITE = f"""
CREATE TRIGGER chat_moderationlog_append_only BEFORE UPDATE ON chat_moderationlog
WHEN NOT (OLD.action = 'rename' AND OLD.subject_id IS NOT NULL AND NEW.details = '{{}}'
    AND {" AND ".join(f"NEW.{name} IS OLD.{name}" for name in KEPT)})
BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END;
"""
SQLITE_BEFORE = f"""
CREATE TRIGGER chat_moderationlog_append_only BEFORE UPDATE ON chat_moderationlog
BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END;
"""
POSTGRESQL = f"""
CREATE OR REPLACE FUNCTION chat_moderationlog_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF TG_OP = 'UPDATE' THEN
    IF OLD.action = 'rename' AND OLD.subject_id IS NOT NULL AND NEW.details = '{{}}'::jsonb
        AND to_jsonb(NEW) - 'details' = to_jsonb(OLD) - 'details' THEN RETURN NEW; END IF;
END IF;
RAISE EXCEPTION '{MESSAGE}'; END $$;
"""
POSTGRESQL_BEFORE = f"""
CREATE OR REPLACE FUNCTION chat_moderationlog_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$;
"""


def allow(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
    else:
        schema_editor.execute(SQLITE_DROP)
        schema_editor.execute(SQLITE)


def refuse(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_BEFORE)
    else:
        schema_editor.execute(SQLITE_DROP)
        schema_editor.execute(SQLITE_BEFORE)


def erase_names(apps, schema_editor):
    """Do for those who were erased before what an erasure does now."""
    gone = apps.get_model("auth", "User").objects.filter(
        username__startswith="deleted-", is_active=False
    )
    ids = [pk for pk, username in gone.values_list("pk", "username") if username == f"deleted-{pk}"]
    for pk in ids:
        apps.get_model("chat", "ModerationLog").objects.filter(
            subject_id=pk, action="rename"
        ).update(details={})


class Migration(migrations.Migration):
    dependencies = [("chat", "0013_search"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunPython(allow, refuse),
        migrations.RunPython(erase_names, migrations.RunPython.noop),
    ]
