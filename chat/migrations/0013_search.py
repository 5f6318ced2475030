"""The index of the search: what each message says, kept in step by triggers.

Triggers, because then no way to change a message can forget it: services, a bulk insert, the moderators' bounded batches, a retention run, and the former
version of the code while it still runs. They work in the transaction of the change, so a deleted text is in no index from its commit on.

PostgreSQL: a table beside the messages, because most updates of a message (reactions) change no word of it, and would write its part of the index anew.
SQLite: a table of FTS5.

Marks stand beside the words, and nobody can type them: the room, the author, a link, a public room, and on PostgreSQL which span of 16,384 ids the message is
in. With them the index itself finds what a filter asks for; chat/queries/search/index.py says why that is needed. The kind of a room never changes.

Not atomic, so that nobody waits for the whole of it: the triggers are there first, then what stands is indexed in small transactions. Each locks its messages
(FOR SHARE), else one that is deleted meanwhile could be indexed as it was. May be run again after a failure.
"""

from django.db import migrations, transaction

BATCH = 5000  # messages of one transaction

# At these PostgreSQL's parser would keep addresses, paths, signed numbers and hyphenated words
# whole, and skip what looks like a tag. Replaced one by one, which takes a tenth of the time of one
# regular expression.
SEPARATORS = "-+/.@<&"


def separated(text):
    """An expression of SQL: a text with blanks for the separators."""
    for separator in SEPARATORS:
        text = f"replace({text}, '{separator}', ' ')"
    return text


def entry(message):
    """The entry of a message in PostgreSQL's index, of a table or of NEW in a trigger; ``r`` is its room."""
    return f"""
    SELECT {message}.id, {message}.room_id, {message}.created_at, to_tsvector('simple', chat_search_text({message}.body)),
        chat_search_marks({message}.id, {message}.room_id, {message}.author_id, r.kind, {message}.body)"""


POSTGRESQL = f"""
CREATE TABLE IF NOT EXISTS chat_search (
    message_id bigint PRIMARY KEY, room_id bigint NOT NULL, created_at timestamptz NOT NULL, words tsvector NOT NULL, marks tsvector NOT NULL
);

CREATE OR REPLACE FUNCTION chat_search_text(body text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT {separated("body")} $$;

CREATE OR REPLACE FUNCTION chat_search_marks(message bigint, room bigint, author bigint, kind text, body text) RETURNS tsvector
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT concat('''~', message >> 14, ''' ''#', room, ''' ''@', author, '''',
        CASE WHEN kind = 'public' THEN ' ''+public''' END, CASE WHEN body LIKE '%://%' AND body ~* 'https?://' THEN ' ''+link''' END)::tsvector
$$;

CREATE OR REPLACE FUNCTION chat_search_posted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chat_search {entry("m")} FROM posted m JOIN chat_room r ON r.id = m.room_id WHERE m.body <> '';
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER chat_search_posted AFTER INSERT ON chat_message
REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION chat_search_posted();

CREATE OR REPLACE FUNCTION chat_search_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM chat_search WHERE message_id = NEW.id;
    INSERT INTO chat_search {entry("NEW")} FROM chat_room r WHERE r.id = NEW.room_id AND NEW.body <> '';
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER chat_search_changed AFTER UPDATE OF body ON chat_message
FOR EACH ROW WHEN (OLD.body IS DISTINCT FROM NEW.body) EXECUTE FUNCTION chat_search_changed();

CREATE OR REPLACE FUNCTION chat_search_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM chat_search s USING removed m WHERE s.message_id = m.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER chat_search_removed AFTER DELETE ON chat_message
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION chat_search_removed();

CREATE OR REPLACE FUNCTION chat_search_emptied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    TRUNCATE chat_search;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER chat_search_emptied AFTER TRUNCATE ON chat_message
FOR EACH STATEMENT EXECUTE FUNCTION chat_search_emptied();
"""

POSTGRESQL_FILL = f"""
WITH batch AS (SELECT * FROM chat_message WHERE id > %s ORDER BY id LIMIT %s FOR SHARE),
indexed AS (
    INSERT INTO chat_search {entry("m")} FROM batch m JOIN chat_room r ON r.id = m.room_id WHERE m.body <> '' ON CONFLICT DO NOTHING
)
SELECT max(id) FROM batch
"""

# New entries wait in a list and are merged together, at a quarter of the cost. The list is short:
# every search reads it, and whoever fills it merges it.
POSTGRESQL_INDEX = "CREATE INDEX CONCURRENTLY chat_search_words ON chat_search USING gin (words, marks) WITH (gin_pending_list_limit = 512)"

POSTGRESQL_BACK = """
DROP TRIGGER chat_search_posted ON chat_message;
DROP TRIGGER chat_search_changed ON chat_message;
DROP TRIGGER chat_search_removed ON chat_message;
DROP TRIGGER chat_search_emptied ON chat_message;
DROP FUNCTION chat_search_posted(), chat_search_changed(), chat_search_removed(), chat_search_emptied();
DROP TABLE chat_search;
DROP FUNCTION chat_search_marks(bigint, bigint, bigint, text, text), chat_search_text(text);
"""


def row(message):
    """The row of a message in SQLite's index, of a table or of NEW in a trigger."""
    return f"""
    SELECT {message}.id, {message}.body, 'r' || {message}.room_id || ' a' || {message}.author_id
        || CASE WHEN (SELECT kind FROM chat_room WHERE id = {message}.room_id) = 'public' THEN ' public' ELSE '' END
        || CASE WHEN {message}.body LIKE '%http://%' OR {message}.body LIKE '%https://%' THEN ' link' ELSE '' END
    """


SQLITE = [
    """CREATE VIRTUAL TABLE IF NOT EXISTS chat_search USING fts5(body, marks, columnsize=0, tokenize="unicode61 remove_diacritics 0")""",
    # Each transaction writes a list of its own; merged by eights instead of fours they take a tenth
    # less of the time of posting.
    "INSERT INTO chat_search (chat_search, rank) VALUES ('automerge', 8)",
    f"""CREATE TRIGGER IF NOT EXISTS chat_search_posted AFTER INSERT ON chat_message WHEN NEW.body <> ''
    BEGIN INSERT INTO chat_search (rowid, body, marks) {row("NEW")}; END""",
    f"""CREATE TRIGGER IF NOT EXISTS chat_search_changed AFTER UPDATE OF body ON chat_message WHEN OLD.body IS NOT NEW.body BEGIN
    DELETE FROM chat_search WHERE rowid = OLD.id;
    INSERT INTO chat_search (rowid, body, marks) {row("NEW")} WHERE NEW.body <> ''; END""",
    """CREATE TRIGGER IF NOT EXISTS chat_search_removed AFTER DELETE ON chat_message
    BEGIN DELETE FROM chat_search WHERE rowid = OLD.id; END""",
    f"""INSERT INTO chat_search (rowid, body, marks) {row("m")} FROM chat_message m
    WHERE m.body <> '' AND m.id NOT IN (SELECT rowid FROM chat_search)""",
]


def make(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            make_in_postgresql(cursor)
        else:
            with transaction.atomic():
                for statement in SQLITE:
                    cursor.execute(statement)


def make_in_postgresql(cursor):
    with transaction.atomic():
        cursor.execute(POSTGRESQL)
    last = 0
    while last is not None:
        cursor.execute(POSTGRESQL_FILL, [last, BATCH])
        last = cursor.fetchone()[0]
    cursor.execute("DROP INDEX IF EXISTS chat_search_words")  # one that was left unfinished
    cursor.execute(POSTGRESQL_INDEX)
    cursor.execute("ANALYZE chat_search")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_BACK)
    else:
        for name in ("posted", "changed", "removed"):
            schema_editor.execute(f"DROP TRIGGER chat_search_{name}")
        schema_editor.execute("DROP TABLE chat_search")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0012_bulk_rights")]

    operations = [migrations.RunPython(make, drop)]
