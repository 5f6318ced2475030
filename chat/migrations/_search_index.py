"""The search index: the text of every message, kept up to date by triggers.

Triggers cover every way in which a message can change: services, bulk inserts, the batches of
moderators, a retention job. They run in the transaction of the change, so the index never contains
a deleted text once the deletion is committed.

PostgreSQL has a table beside the messages: most updates of a message (reactions) leave its text
alone, and an index on the messages would be written anew by each. SQLite has a table of FTS5.

*Marks* are indexed beside the words, in a form that nobody can type: the room, the author, a link,
a public room, and on PostgreSQL the span of 16,384 ids that contains the message. With them the
index itself answers the filters of a query (see chat/queries/search/index.py). A room never changes
its kind, so its marks stay valid.
"""

# PostgreSQL's parser would keep addresses, paths, signed numbers and hyphenated words whole at these
# characters, and skip what looks like a tag. Replacing them one by one takes a tenth of the time of
# one regular expression.
SEPARATORS = "-+/.@<&"


def separated(text):
    """Return the SQL expression of a text with spaces instead of separators."""
    for separator in SEPARATORS:
        text = f"replace({text}, '{separator}', ' ')"
    return text


def entry(message):
    """Return the SELECT of a message's entry, of a table or of NEW; ``r`` is its room (PostgreSQL)."""
    return f"""
    SELECT {message}.id, {message}.room_id, {message}.created_at,
        to_tsvector('simple', chat_search_text({message}.body)),
        chat_search_marks(
            {message}.id, {message}.room_id, {message}.author_id, r.kind, {message}.body
        )"""


POSTGRESQL = f"""
CREATE TABLE chat_search (
    message_id bigint PRIMARY KEY, room_id bigint NOT NULL, created_at timestamptz NOT NULL,
    words tsvector NOT NULL, marks tsvector NOT NULL
);
-- New entries wait in a list and are merged together, at a quarter of the cost. The list is short,
-- because every search reads it, and the insert that fills it merges it.
CREATE INDEX chat_search_words ON chat_search USING gin (words, marks)
WITH (gin_pending_list_limit = 512);

CREATE FUNCTION chat_search_text(body text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT {separated("body")} $$;

CREATE FUNCTION chat_search_marks(
    message bigint, room bigint, author bigint, kind text, body text
) RETURNS tsvector LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT concat(
        '''~', message >> 14, ''' ''#', room, ''' ''@', author, '''',
        CASE WHEN kind = 'public' THEN ' ''+public''' END,
        CASE WHEN body LIKE '%://%' AND body ~* 'https?://' THEN ' ''+link''' END
    )::tsvector
$$;

CREATE FUNCTION chat_search_posted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chat_search {entry("m")}
    FROM posted m JOIN chat_room r ON r.id = m.room_id WHERE m.body <> '';
    RETURN NULL;
END $$;
CREATE TRIGGER chat_search_posted AFTER INSERT ON chat_message
REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION chat_search_posted();

CREATE FUNCTION chat_search_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM chat_search WHERE message_id = NEW.id;
    INSERT INTO chat_search {entry("NEW")}
    FROM chat_room r WHERE r.id = NEW.room_id AND NEW.body <> '';
    RETURN NULL;
END $$;
CREATE TRIGGER chat_search_changed AFTER UPDATE OF body ON chat_message
FOR EACH ROW WHEN (OLD.body IS DISTINCT FROM NEW.body) EXECUTE FUNCTION chat_search_changed();

CREATE FUNCTION chat_search_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM chat_search s USING removed m WHERE s.message_id = m.id;
    RETURN NULL;
END $$;
CREATE TRIGGER chat_search_removed AFTER DELETE ON chat_message
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION chat_search_removed();

CREATE FUNCTION chat_search_emptied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    TRUNCATE chat_search;
    RETURN NULL;
END $$;
CREATE TRIGGER chat_search_emptied AFTER TRUNCATE ON chat_message
FOR EACH STATEMENT EXECUTE FUNCTION chat_search_emptied();
"""

POSTGRESQL_DROP = """
DROP TRIGGER chat_search_posted ON chat_message;
DROP TRIGGER chat_search_changed ON chat_message;
DROP TRIGGER chat_search_removed ON chat_message;
DROP TRIGGER chat_search_emptied ON chat_message;
DROP FUNCTION chat_search_posted(), chat_search_changed(), chat_search_removed(),
    chat_search_emptied();
DROP TABLE chat_search;
DROP FUNCTION chat_search_marks(bigint, bigint, bigint, text, text), chat_search_text(text);
"""


def row(message):
    """Return the SELECT of a message's row, of a table or of NEW (SQLite)."""
    return f"""
    SELECT {message}.id, {message}.body, 'r' || {message}.room_id || ' a' || {message}.author_id
        || CASE WHEN (SELECT kind FROM chat_room WHERE id = {message}.room_id) = 'public'
            THEN ' public' ELSE '' END
        || CASE WHEN {message}.body LIKE '%http://%' OR {message}.body LIKE '%https://%'
            THEN ' link' ELSE '' END
    """


SQLITE = [
    """CREATE VIRTUAL TABLE chat_search
    USING fts5(body, marks, columnsize=0, tokenize="unicode61 remove_diacritics 0")""",
    # Each transaction writes a list of its own. Merging eight lists at a time instead of four takes
    # a tenth off the time of posting.
    "INSERT INTO chat_search (chat_search, rank) VALUES ('automerge', 8)",
    f"""CREATE TRIGGER chat_search_posted AFTER INSERT ON chat_message WHEN NEW.body <> ''
    BEGIN INSERT INTO chat_search (rowid, body, marks) {row("NEW")}; END""",
    f"""CREATE TRIGGER chat_search_changed AFTER UPDATE OF body ON chat_message
    WHEN OLD.body IS NOT NEW.body BEGIN
    DELETE FROM chat_search WHERE rowid = OLD.id;
    INSERT INTO chat_search (rowid, body, marks) {row("NEW")} WHERE NEW.body <> ''; END""",
    """CREATE TRIGGER chat_search_removed AFTER DELETE ON chat_message
    BEGIN DELETE FROM chat_search WHERE rowid = OLD.id; END""",
]
SQLITE_DROP = [
    "DROP TRIGGER chat_search_posted",
    "DROP TRIGGER chat_search_changed",
    "DROP TRIGGER chat_search_removed",
    "DROP TABLE chat_search",
]


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
