"""The search index that keeps no second copy of the texts (docs/decisions/0017).

It takes less space than the texts themselves, and changes in the transaction of the message.

PostgreSQL has one GIN index on expressions of the messages. GIN stores no positions, so a phrase is
found by its words and then checked in the text. SQLite has a table of FTS5 without content, which
triggers keep up to date: FTS5 removes an entry when it is given the same words again.

*Marks* are indexed beside the words, in a form that nobody can type: the room, the author, a link,
a public room, and on PostgreSQL the span of 16,384 ids that contains the message (see
chat/queries/search/index.py). Everything that marks are made of never changes, except the text.
"""

from chat.migrations._search_index import SEPARATORS, separated

__all__ = ["SEPARATORS", "create", "drop", "mark_public"]

# The functions call no others, so that a restored dump finds everything with an empty search path.
POSTGRESQL = f"""
CREATE FUNCTION chat_search_words(body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT to_tsvector('simple', {separated("body")}) $$;

CREATE FUNCTION chat_search_phrase(typed text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT phraseto_tsquery('simple', {separated("typed")}) $$;

CREATE FUNCTION chat_search_marks(
    message bigint, room bigint, author bigint, public boolean, body text
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT concat(
        '''~', message >> 14, ''' ''#', room, ''' ''@', author, '''',
        CASE WHEN public THEN ' ''+public''' END,
        CASE WHEN body LIKE '%://%' AND body ~* 'https?://' THEN ' ''+link''' END
    )::tsvector
$$;

-- New entries wait in a list and are merged together, at a quarter of the cost. The list is short,
-- because every search reads it, and the insert that fills it merges it.
CREATE INDEX chat_search ON chat_message USING gin (
    chat_search_words(body), chat_search_marks(id, room_id, author_id, is_public, body)
) WITH (gin_pending_list_limit = 512) WHERE body <> '';

-- Posting writes the column. This is for inserts by other means, such as COPY, and by nodes of the
-- version before, which do not know it.
CREATE FUNCTION chat_message_public() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE chat_message m SET is_public = true FROM posted p JOIN chat_room r ON r.id = p.room_id
    WHERE m.id = p.id AND r.kind = 'public' AND NOT p.is_public;
    RETURN NULL;
END $$;
CREATE TRIGGER chat_message_public AFTER INSERT ON chat_message
REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION chat_message_public();
"""

POSTGRESQL_DROP = """
DROP TRIGGER chat_message_public ON chat_message;
DROP FUNCTION chat_message_public();
DROP INDEX chat_search;
DROP FUNCTION chat_search_words(text), chat_search_phrase(text),
    chat_search_marks(bigint, bigint, bigint, boolean, text);
"""


def entry(row):
    """Return the values of a message's entry, of a table or of NEW or OLD (SQLite)."""
    return f"""{row}.id, {row}.body, 'r' || {row}.room_id || ' a' || {row}.author_id
        || CASE WHEN (SELECT kind FROM chat_room WHERE id = {row}.room_id) = 'public'
            THEN ' public' ELSE '' END
        || CASE WHEN {row}.body LIKE '%http://%' OR {row}.body LIKE '%https://%'
            THEN ' link' ELSE '' END"""


INSERT = "INSERT INTO chat_search (rowid, body, marks)"
DELETE = "INSERT INTO chat_search (chat_search, rowid, body, marks) SELECT 'delete',"

SQLITE = [
    """CREATE VIRTUAL TABLE chat_search
    USING fts5(body, marks, content='', columnsize=0, tokenize="unicode61 remove_diacritics 0")""",
    # Each transaction writes a list of its own. Merging eight lists at a time instead of four takes
    # a tenth off the time of posting.
    "INSERT INTO chat_search (chat_search, rank) VALUES ('automerge', 8)",
    f"""CREATE TRIGGER chat_search_posted AFTER INSERT ON chat_message WHEN NEW.body <> ''
    BEGIN {INSERT} SELECT {entry("NEW")}; END""",
    f"""CREATE TRIGGER chat_search_changed AFTER UPDATE OF body ON chat_message
    WHEN OLD.body IS NOT NEW.body BEGIN
    {DELETE} {entry("OLD")} WHERE OLD.body <> '';
    {INSERT} SELECT {entry("NEW")} WHERE NEW.body <> ''; END""",
    f"""CREATE TRIGGER chat_search_removed AFTER DELETE ON chat_message WHEN OLD.body <> ''
    BEGIN {DELETE} {entry("OLD")}; END""",
    f"{INSERT} SELECT {entry('m')} FROM chat_message m WHERE m.body <> ''",
]
SQLITE_DROP = [
    "DROP TRIGGER chat_search_posted",
    "DROP TRIGGER chat_search_changed",
    "DROP TRIGGER chat_search_removed",
    "DROP TABLE chat_search",
]

MARK_PUBLIC = """
UPDATE chat_message SET is_public = true
WHERE room_id IN (SELECT id FROM chat_room WHERE kind = 'public')
"""


def mark_public(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MARK_PUBLIC)


def create(apps, schema_editor):
    run(schema_editor, [POSTGRESQL], SQLITE)


def drop(apps, schema_editor):
    run(schema_editor, [POSTGRESQL_DROP], SQLITE_DROP)


def run(schema_editor, postgresql, sqlite):
    # A cursor, because ``schema_editor.execute`` would take "%" for a placeholder.
    with schema_editor.connection.cursor() as cursor:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        for statement in postgresql if is_postgresql else sqlite:
            cursor.execute(statement)
