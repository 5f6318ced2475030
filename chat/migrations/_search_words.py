"""The search index of words that the application has made of a text (chat.text.search_words).

A message has them in ``search_text`` where they are not those of its text; the index has one or the
other. If a text changes but its words do not, something else than this release has changed it:
then the words are dropped, so that no word of a deleted text stays.
"""

from django.db import transaction

from chat.migrations._search_index_without_texts import DELETE, INSERT
from chat.migrations._search_index_without_texts import SQLITE as OLD_SQLITE

ROWS = 1000  # of one transaction
WORDS = "coalesce(search_text, body)"

POSTGRESQL_GUARD = """
CREATE FUNCTION chat_search_stale() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.search_text := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER chat_search_stale BEFORE UPDATE OF body ON chat_message FOR EACH ROW
WHEN (NEW.search_text IS NOT NULL AND OLD.body IS DISTINCT FROM NEW.body
    AND NEW.search_text IS NOT DISTINCT FROM OLD.search_text)
EXECUTE FUNCTION chat_search_stale();
"""
POSTGRESQL_GUARD_DROP = """
DROP TRIGGER chat_search_stale ON chat_message;
DROP FUNCTION chat_search_stale();
"""


def postgresql_index(name, words):
    return f"""CREATE INDEX CONCURRENTLY {name} ON chat_message USING gin (
        chat_search_words({words}), chat_search_marks(id, room_id, author_id, is_public, body)
    ) WITH (gin_pending_list_limit = 512) WHERE body <> ''"""


def entry(row, words):
    """Return the values of a message's entry, of a table or of NEW or OLD (SQLite)."""
    return f"""{row}.id, {words}, 'r' || {row}.room_id || ' a' || {row}.author_id
        || CASE WHEN (SELECT kind FROM chat_room WHERE id = {row}.room_id) = 'public'
            THEN ' public' ELSE '' END
        || CASE WHEN {row}.body LIKE '%http://%' OR {row}.body LIKE '%https://%'
            THEN ' link' ELSE '' END"""


STALE = """NEW.search_text IS NOT NULL AND OLD.body IS NOT NEW.body
    AND NEW.search_text IS OLD.search_text"""
NEW = entry("NEW", "coalesce(NEW.search_text, NEW.body)")
OLD = entry("OLD", "coalesce(OLD.search_text, OLD.body)")
CHANGED = entry(
    "NEW", f"CASE WHEN {STALE} THEN NEW.body ELSE coalesce(NEW.search_text, NEW.body) END"
)
DROP = [
    "DROP TRIGGER chat_search_posted",
    "DROP TRIGGER chat_search_changed",
    "DROP TRIGGER chat_search_removed",
]
SQLITE = [
    *DROP,
    f"""CREATE TRIGGER chat_search_posted AFTER INSERT ON chat_message WHEN NEW.body <> ''
    BEGIN {INSERT} SELECT {NEW}; END""",
    f"""CREATE TRIGGER chat_search_changed AFTER UPDATE OF body, search_text ON chat_message
    WHEN OLD.body IS NOT NEW.body OR OLD.search_text IS NOT NEW.search_text BEGIN
    {DELETE} {OLD} WHERE OLD.body <> '';
    {INSERT} SELECT {CHANGED} WHERE NEW.body <> '';
    UPDATE chat_message SET search_text = NULL WHERE id = NEW.id AND {STALE}; END""",
    f"""CREATE TRIGGER chat_search_removed AFTER DELETE ON chat_message WHEN OLD.body <> ''
    BEGIN {DELETE} {OLD}; END""",
]


def guard(apps, schema_editor):
    run(schema_editor, [POSTGRESQL_GUARD], SQLITE)


def unguard(apps, schema_editor):
    old = [statement for statement in OLD_SQLITE if "CREATE TRIGGER" in statement]
    run(schema_editor, [POSTGRESQL_GUARD_DROP], [*DROP, *old])


def fill(apps, schema_editor):
    """Make the words of what is stored, from the newest message back, in short transactions."""
    from chat.text.search_words import stored_words

    messages = apps.get_model("chat", "Message").objects
    before = None
    while True:
        rows = messages.exclude(body="").order_by("-pk")
        if before is not None:
            rows = rows.filter(pk__lt=before)
        with transaction.atomic():
            found = list(rows.select_for_update().only("pk", "body", "html", "search_text")[:ROWS])
            changed = []
            for row in found:
                words = stored_words(row.body, row.html)
                if words != row.search_text:
                    row.search_text = words
                    changed.append(row)
            messages.bulk_update(changed, ["search_text"], batch_size=200)
        if not found:
            return
        before = found[-1].pk


def empty(apps, schema_editor):
    apps.get_model("chat", "Message").objects.exclude(search_text=None).update(search_text=None)


def replace_index(apps, schema_editor):
    swap(schema_editor, WORDS)


def restore_index(apps, schema_editor):
    swap(schema_editor, "body")


def swap(schema_editor, words):
    run(
        schema_editor,
        [
            "DROP INDEX IF EXISTS chat_search_new",  # of an attempt that was interrupted
            postgresql_index("chat_search_new", words),
            "DROP INDEX IF EXISTS chat_search",
            "ALTER INDEX chat_search_new RENAME TO chat_search",
        ],
        [],
    )


def run(schema_editor, postgresql, sqlite):
    # A cursor, because ``schema_editor.execute`` would take "%" for a placeholder.
    with schema_editor.connection.cursor() as cursor:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        for statement in postgresql if is_postgresql else sqlite:
            cursor.execute(statement)
