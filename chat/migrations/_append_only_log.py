"""The triggers that make the moderation log append-only.

They allow one change: the details of a renaming can be emptied, so that erasing a person also erases
the names in them.
"""

MESSAGE = "the moderation log is append-only"

# SQLite needs no trigger on DELETE: nothing but tests deletes from the table, which they do with
# DELETE here and with TRUNCATE on PostgreSQL.
SQLITE = """
CREATE TRIGGER chat_moderationlog_append_only BEFORE UPDATE ON chat_moderationlog
WHEN NOT (OLD.action = 'rename' AND OLD.subject_id IS NOT NULL AND NEW.details = '{{}}'
    AND ({new}) IS ({old}))
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""

POSTGRESQL = f"""
CREATE FUNCTION chat_moderationlog_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF TG_OP = 'UPDATE' THEN
    IF OLD.action = 'rename' AND OLD.subject_id IS NOT NULL AND NEW.details = '{{}}'::jsonb
        AND to_jsonb(NEW) - 'details' = to_jsonb(OLD) - 'details' THEN RETURN NEW; END IF;
END IF;
RAISE EXCEPTION '{MESSAGE}'; END $$;
CREATE TRIGGER chat_moderationlog_append_only BEFORE UPDATE OR DELETE ON chat_moderationlog
FOR EACH ROW EXECUTE FUNCTION chat_moderationlog_append_only();
"""

POSTGRESQL_DROP = """
DROP TRIGGER chat_moderationlog_append_only ON chat_moderationlog;
DROP FUNCTION chat_moderationlog_append_only();
"""


def lock(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
        return
    fields = apps.get_model("chat", "ModerationLog")._meta.concrete_fields
    kept = [field.column for field in fields if field.column != "details"]
    new, old = (", ".join(f"{row}.{column}" for column in kept) for row in ("NEW", "OLD"))
    schema_editor.execute(SQLITE.format(new=new, old=old, message=MESSAGE))


def unlock(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_DROP)
    else:
        schema_editor.execute("DROP TRIGGER chat_moderationlog_append_only")
