"""The settings of Holdfast itself, with their defaults, from environment variables.

Every project that installs it has them; the site of this repository reads the others in
``realtime.settings``. docs/operations.md lists them; a test compares.
"""

import os
import socket

from realtime.site.environment import Environment

env = Environment(os.environ)

# --- storage --------------------------------------------------------------------------------------

# Threads for reads; each holds at most one database connection.
HOLDFAST_READ_THREADS = env.whole("HOLDFAST_READ_THREADS", 4)
# Connections of one process: read threads, the two of the writer, and requests. Times the number of
# processes, it must be below PostgreSQL's max_connections.
HOLDFAST_DATABASE_POOL = env.whole("HOLDFAST_DATABASE_POOL", HOLDFAST_READ_THREADS + 8, least=2)
# Connections that the database accepts from all processes: max_connections of PostgreSQL, or the
# limit of PgBouncer. Only `check --deploy` reads it; `manage.py doctor` asks the server.
HOLDFAST_DATABASE_MAX_CONNECTIONS = env.whole("HOLDFAST_DATABASE_MAX_CONNECTIONS", 100)

# Seconds for one statement. On a healthy database they take milliseconds.
HOLDFAST_STATEMENT_SECONDS = env.decimal("HOLDFAST_STATEMENT_SECONDS", 15)
# Seconds to wait for a lock, and for a command of a locked stream to be answered.
HOLDFAST_LOCK_SECONDS = env.decimal("HOLDFAST_LOCK_SECONDS", 5)
# Seconds for which a transaction may do nothing: a frozen process must not keep its locks.
HOLDFAST_IDLE_TRANSACTION_SECONDS = env.decimal("HOLDFAST_IDLE_TRANSACTION_SECONDS", 10)
# Seconds to connect to PostgreSQL; libpq counts whole ones, and at least two.
HOLDFAST_CONNECT_SECONDS = env.whole("HOLDFAST_CONNECT_SECONDS", 3, least=2)
# Seconds to wait for a connection of the pool.
HOLDFAST_POOL_SECONDS = env.decimal("HOLDFAST_POOL_SECONDS", 5)

# Messages that may be queued for this process on the channel layer. Dropped ones are recovered from
# the database, at the cost of one query.
HOLDFAST_LAYER_CAPACITY = env.whole("HOLDFAST_LAYER_CAPACITY", 10_000)

# Password hashes of one process at a time: each takes 19 MiB, and a core for some 30 ms.
HOLDFAST_PASSWORD_HASHES = env.whole("HOLDFAST_PASSWORD_HASHES", 2)
HOLDFAST_PASSWORD_QUEUE = env.whole("HOLDFAST_PASSWORD_QUEUE", 50, least=0)  # more: 503
HOLDFAST_PASSWORD_SECONDS = env.decimal("HOLDFAST_PASSWORD_SECONDS", 5)  # the longest wait

# NIST SP 800-63B asks for 15 characters where a password is all that there is.
HOLDFAST_PASSWORD_LENGTH = env.whole("HOLDFAST_PASSWORD_LENGTH", 15, least=8)

# Days after which an unused session ends, and every session: NIST asks for 30 at most.
HOLDFAST_SESSION_IDLE_DAYS = env.whole("HOLDFAST_SESSION_IDLE_DAYS", 14)
HOLDFAST_SESSION_DAYS = env.whole("HOLDFAST_SESSION_DAYS", 30)

# Minutes after the password was asked for, in which sensitive changes do not ask for it again.
HOLDFAST_CONFIRM_MINUTES = env.whole("HOLDFAST_CONFIRM_MINUTES", 15)
# Whether anyone who reaches the site may create an account.
HOLDFAST_SIGNUP = env.switch("HOLDFAST_SIGNUP", True)
# Work of the browser for an account, in bits: 18 take a phone some seconds; 0 asks for none.
HOLDFAST_SIGNUP_WORK = env.whole("HOLDFAST_SIGNUP_WORK", 18, least=0)

# Only with a proxy that sets these headers on every request; otherwise any client could claim HTTPS
# or another address.
HOLDFAST_TRUST_PROXY = env.switch("HOLDFAST_TRUST_PROXY", False)

# The file of the site's certificate, where it is to be watched: /metrics says when it expires.
HOLDFAST_TLS_CERTIFICATE = env.text("HOLDFAST_TLS_CERTIFICATE", "")

# --- the server process (`manage.py serve`) -------------------------------------------------------

# Declares how many processes and machines the site has, so that settings which work only within one
# process or machine are refused.
HOLDFAST_PROCESSES = env.whole("HOLDFAST_PROCESSES", env.whole("WEB_CONCURRENCY", 1))
HOLDFAST_HOSTS = env.whole("HOLDFAST_HOSTS", 1)
# Proxies whose X-Real-IP is trusted with HOLDFAST_TRUST_PROXY. A Unix socket always is: only the
# proxy can open it.
HOLDFAST_TRUSTED_PROXIES = env.networks("HOLDFAST_TRUSTED_PROXIES", ["127.0.0.0/8", "::1"])
# Connections that wait to be accepted: all clients of another node may come at once.
HOLDFAST_BACKLOG = env.whole("HOLDFAST_BACKLOG", 4096)
# Seconds for a handshake, which may queue in a reconnect storm.
HOLDFAST_HANDSHAKE_SECONDS = env.decimal("HOLDFAST_HANDSHAKE_SECONDS", 20)
# Seconds for the answer to a ping; then the socket is closed with 4001.
HOLDFAST_PONG_SECONDS = env.decimal("HOLDFAST_PONG_SECONDS", 20)
# Seconds for the client's close frame; then the connection is dropped.
HOLDFAST_CLOSE_SECONDS = env.decimal("HOLDFAST_CLOSE_SECONDS", 5)
# Seconds for which the event loop may be blocked: its clients have left after PONG_SECONDS. Then
# the process ends, and its supervisor starts another.
HOLDFAST_STUCK_SECONDS = env.decimal("HOLDFAST_STUCK_SECONDS", 30)
DRAIN_SECONDS = env.decimal("DRAIN_SECONDS", 10)  # sends clients to other nodes after SIGTERM
# The surroundings of the node, for `check --deploy`. Seconds after which the proxy closes a silent
# connection: NGINX_READ_TIMEOUT of nginx/variables.env.
HOLDFAST_PROXY_SECONDS = env.whole("HOLDFAST_PROXY_SECONDS", 75)
# Seconds between SIGTERM and SIGKILL: TimeoutStopSec, stop_grace_period,
# terminationGracePeriodSeconds.
HOLDFAST_STOP_SECONDS = env.whole("HOLDFAST_STOP_SECONDS", 45)
HOLDFAST_MAX_BODY_BYTES = env.whole("HOLDFAST_MAX_BODY_BYTES", 2_621_440)  # as in Django

# HTTP requests that run at a time, each with a thread and at most one database connection: more do
# not make a Python process faster. Event streams, long polls and commands are not among them.
HOLDFAST_REQUESTS = env.whole("HOLDFAST_REQUESTS", 4)
# Of one account, or one address without an account. All of an address have all but one.
HOLDFAST_REQUESTS_PER_CLIENT = env.whole("HOLDFAST_REQUESTS_PER_CLIENT", 2)
# Requests that wait; further ones are refused with 503. One address has half of them.
HOLDFAST_REQUEST_QUEUE = env.whole("HOLDFAST_REQUEST_QUEUE", 200)
# Of these, of one account; further ones are refused with 429.
HOLDFAST_REQUEST_QUEUE_PER_CLIENT = env.whole("HOLDFAST_REQUEST_QUEUE_PER_CLIENT", 30)
HOLDFAST_REQUEST_WAIT_SECONDS = env.decimal("HOLDFAST_REQUEST_WAIT_SECONDS", 5)  # then 503
# Searches, and exports of evidence and data: beside the others, and one of each account at a time.
HOLDFAST_SEARCH_REQUESTS = env.whole("HOLDFAST_SEARCH_REQUESTS", 2)
HOLDFAST_EXPORT_REQUESTS = env.whole("HOLDFAST_EXPORT_REQUESTS", 2)
# Commands over HTTP, and event streams and long polls until they wait; together and of an account.
HOLDFAST_ASYNC_REQUESTS = env.whole("HOLDFAST_ASYNC_REQUESTS", 40)
HOLDFAST_ASYNC_PER_CLIENT = env.whole("HOLDFAST_ASYNC_PER_CLIENT", 10)
# Requests of one address a second and at once, whatever accounts they are for.
HOLDFAST_ADDRESS_RATE = env.decimal("HOLDFAST_ADDRESS_RATE", 200)
HOLDFAST_ADDRESS_BURST = env.whole("HOLDFAST_ADDRESS_BURST", 1000)
# Seconds for a whole request to arrive, from its first byte to the end of its body.
HOLDFAST_REQUEST_SECONDS = env.decimal("HOLDFAST_REQUEST_SECONDS", 30)
# Open connections of one address, without those of HOLDFAST_TRUSTED_PROXIES and of Unix sockets.
HOLDFAST_CONNECTIONS_PER_ADDRESS = env.whole("HOLDFAST_CONNECTIONS_PER_ADDRESS", 4000)

# --- limits of the engine -------------------------------------------------------------------------

# The name of this process in `hello`, logs, metrics and `pg_stat_activity`.
HOLDFAST_NODE_NAME = env.text("HOLDFAST_NODE_NAME", f"{socket.gethostname()}-{os.getpid()}")

# Commands: a person sends a few each second; a client that returns after a long time offline sends
# its whole outbox at once.
HOLDFAST_COMMAND_RATE = env.decimal("HOLDFAST_COMMAND_RATE", 50)  # per second and account
HOLDFAST_COMMAND_BURST = env.whole("HOLDFAST_COMMAND_BURST", 200)  # commands and requests at once
HOLDFAST_FLOOD_ALLOWANCE = env.whole("HOLDFAST_FLOOD_ALLOWANCE", 1000)  # refused, before 4002
# Queued frames of one socket; beyond it the server stops reading from the socket.
HOLDFAST_INBOUND_QUEUE = env.whole("HOLDFAST_INBOUND_QUEUE", 256)
# Of one incoming message; a larger one closes the socket with 1009.
HOLDFAST_MAX_MESSAGE_BYTES = env.whole("HOLDFAST_MAX_MESSAGE_BYTES", 131_072)

# Slow readers. Unsent bytes of one socket: above it the socket is behind and skipped by flushes.
HOLDFAST_SOFT_MARK = env.whole("HOLDFAST_SOFT_MARK", 262_144)
# Unsent bytes of one socket: above it the socket is closed with 4003.
HOLDFAST_HARD_MARK = env.whole("HOLDFAST_HARD_MARK", 4_194_304)

HOLDFAST_MAX_STREAMS_PER_SOCKET = env.whole("HOLDFAST_MAX_STREAMS_PER_SOCKET", 1000)
# Sockets of one user in one process; further ones are closed with 4504.
HOLDFAST_MAX_SOCKETS_PER_USER = env.whole("HOLDFAST_MAX_SOCKETS_PER_USER", 50)

# Rows in memory for each followed stream: some minutes of a busy room.
HOLDFAST_TAIL_EVENTS = env.whole("HOLDFAST_TAIL_EVENTS", 512)
# Bytes of these rows; 1,000 followed streams take less than 512 MiB.
HOLDFAST_TAIL_BYTES = env.whole("HOLDFAST_TAIL_BYTES", 524_288)

# The head check finds what the broker lost. Its period is the longest delay of an event.
# Seconds between checks of the streams that changed recently.
HOLDFAST_HEAD_CHECK_SECONDS = env.decimal("HOLDFAST_HEAD_CHECK_SECONDS", 3)
# Seconds between checks of all streams: finds what a long transaction hid.
HOLDFAST_HEAD_CHECK_ALL_SECONDS = env.decimal("HOLDFAST_HEAD_CHECK_ALL_SECONDS", 60)
# The same while the broker does not answer: a sign-out must reach all nodes within a second.
HOLDFAST_HEAD_CHECK_DEGRADED_SECONDS = env.decimal("HOLDFAST_HEAD_CHECK_DEGRADED_SECONDS", 0.5)

# Commands in one transaction; beyond 200 the gain per command is small.
HOLDFAST_WRITER_BATCH = env.whole("HOLDFAST_WRITER_BATCH", 200)
# Commands that wait for a transaction; further ones are answered with `unavailable`.
HOLDFAST_WRITER_QUEUE = env.whole("HOLDFAST_WRITER_QUEUE", 10_000)

# Home routers drop silent sockets after 30 to 60 s.
HOLDFAST_PING_AFTER_SECONDS = env.whole("HOLDFAST_PING_AFTER_SECONDS", 25)
# A reload or a tunnel does not count as leaving.
HOLDFAST_PRESENCE_LINGER_SECONDS = env.decimal("HOLDFAST_PRESENCE_LINGER_SECONDS", 15)
# Below the 60 s after which proxies close a connection.
HOLDFAST_LONG_POLL_MAX_SECONDS = env.decimal("HOLDFAST_LONG_POLL_MAX_SECONDS", 30)

# Hosts whose images are shown next to their links. Each host learns who reads a message and when,
# so the default is none.
HOLDFAST_IMAGE_HOSTS = env.hosts("HOLDFAST_IMAGE_HOSTS", [])

# Where to reach the people who run the site: an e-mail address or a URL. Users who are banned
# or cannot sign in see it.
HOLDFAST_CONTACT = env.text("HOLDFAST_CONTACT", "")

HOLDFAST_APP_NAME = env.text("HOLDFAST_APP_NAME", "Holdfast")  # of the installed app

# --- limits of chat -------------------------------------------------------------------------------

HOLDFAST_MESSAGE_MAX_LENGTH = env.whole("HOLDFAST_MESSAGE_MAX_LENGTH", 10_000)  # characters
HOLDFAST_MAX_REACTION_KINDS = env.whole("HOLDFAST_MAX_REACTION_KINDS", 20)  # emoji on a message
HOLDFAST_MAX_REACTIONS = env.whole("HOLDFAST_MAX_REACTIONS", 500)  # each event has them all
# Messages of one user in HOLDFAST_POST_SECONDS, over all nodes that share a cache; 0: no limit. A
# client that returns after a long time offline sends its whole outbox at once.
HOLDFAST_POSTS = env.whole("HOLDFAST_POSTS", 600, least=0)
HOLDFAST_POST_MENTIONS = env.whole("HOLDFAST_POST_MENTIONS", 200, least=0)  # 0: no limit
HOLDFAST_POST_SECONDS = env.decimal("HOLDFAST_POST_SECONDS", 60)
# How often the same text, in any rooms; 0: no limit.
HOLDFAST_REPEATS = env.whole("HOLDFAST_REPEATS", 20, least=0)
HOLDFAST_REPEAT_SECONDS = env.decimal("HOLDFAST_REPEAT_SECONDS", 60)
# Invitations to rooms, and conversations with new people, that one user begins in an hour; 0: no
# limit. The rows themselves are counted, so this limit holds for all processes together.
HOLDFAST_INVITATIONS = env.whole("HOLDFAST_INVITATIONS", 30, least=0)
HOLDFAST_LINKS = env.text("HOLDFAST_LINKS", "everyone", choices=["everyone", "known", "moderators"])
HOLDFAST_LINKS_AFTER_DAYS = env.whole("HOLDFAST_LINKS_AFTER_DAYS", 3)  # age of a known one
# Days for which an account is new. Rules over all accounts count new ones only; 0: none is new.
HOLDFAST_NEW_ACCOUNT_DAYS = env.whole("HOLDFAST_NEW_ACCOUNT_DAYS", 3, least=0)
# How often all new accounts together may send one text, one link, or links to one host, in so many
# seconds; 0: no limit.
HOLDFAST_SAME_TEXTS = env.whole("HOLDFAST_SAME_TEXTS", 5, least=0)
HOLDFAST_SAME_LINKS = env.whole("HOLDFAST_SAME_LINKS", 5, least=0)
HOLDFAST_SAME_HOSTS = env.whole("HOLDFAST_SAME_HOSTS", 20, least=0)
HOLDFAST_SAME_SECONDS = env.decimal("HOLDFAST_SAME_SECONDS", 600)
# Of the whole site; further accounts wait for approval; 0: no limit.
HOLDFAST_SIGNUPS_PER_HOUR = env.whole("HOLDFAST_SIGNUPS_PER_HOUR", 100, least=0)
# Refusals by these rules in HOLDFAST_SAME_SECONDS after which moderators are notified; 0: never.
HOLDFAST_RAID_SIGNS = env.whole("HOLDFAST_RAID_SIGNS", 5, least=0)
HOLDFAST_RENDER_THREADS = env.whole("HOLDFAST_RENDER_THREADS", 2)  # one of each author
HOLDFAST_RENDER_QUEUE = env.whole("HOLDFAST_RENDER_QUEUE", 2000)  # texts that wait for them
# Whether filters take letters of other scripts for the Latin ones that they look like.
HOLDFAST_FILTER_CONFUSABLES = env.switch("HOLDFAST_FILTER_CONFUSABLES", True)
# Of one account in an hour: looking up people or rooms, and reporting messages; 0: no limit.
HOLDFAST_DIRECTORY_READS = env.whole("HOLDFAST_DIRECTORY_READS", 600, least=0)
HOLDFAST_REPORTS = env.whole("HOLDFAST_REPORTS", 20, least=0)
HOLDFAST_HOOK_THREADS = env.whole("HOLDFAST_HOOK_THREADS", 4)  # for hooks of other apps
HOLDFAST_MAX_MENTIONS = env.whole("HOLDFAST_MAX_MENTIONS", 50)  # users, of one message

# --- retention ------------------------------------------------------------------------------------

# Days for which messages are kept, in rooms without a setting of their own; 0: for ever. It is
# carried out by `manage.py retention`, which a timer has to start.
HOLDFAST_RETENTION_DAYS = env.whole("HOLDFAST_RETENTION_DAYS", 0, least=0)
HOLDFAST_NOTIFICATION_DAYS = env.whole("HOLDFAST_NOTIFICATION_DAYS", 0, least=0)  # of read ones
# Days after a decision for which a reported message is kept, so that it can be appealed: six
# months, as article 20 of the Digital Services Act asks. The next run of retention then deletes it.
HOLDFAST_APPEAL_DAYS = env.whole("HOLDFAST_APPEAL_DAYS", 184, least=0)
# Changes of a message that a case keeps, beside the text that was reported: the newest ones.
HOLDFAST_CASE_REVISIONS = env.whole("HOLDFAST_CASE_REVISIONS", 100)
# Minutes for which nobody else gets a case that a moderator has opened.
HOLDFAST_CLAIM_MINUTES = env.whole("HOLDFAST_CLAIM_MINUTES", 15)
# Seconds for which a list offers to take a decision back with one key.
HOLDFAST_UNDO_SECONDS = env.whole("HOLDFAST_UNDO_SECONDS", 20)
# After so many abusive reports in so many days, a user's reports make no case more urgent.
HOLDFAST_ABUSIVE_REPORTS = env.whole("HOLDFAST_ABUSIVE_REPORTS", 3)
HOLDFAST_ABUSIVE_REPORT_DAYS = env.whole("HOLDFAST_ABUSIVE_REPORT_DAYS", 90)
# After so many reports by different people a message is hidden until a moderator has decided; 0:
# never. Only people whose account is as many days old count, and nobody with abusive reports.
HOLDFAST_HIDE_AFTER_REPORTS = env.whole("HOLDFAST_HIDE_AFTER_REPORTS", 5, least=0)
HOLDFAST_HIDE_REPORTER_DAYS = env.whole("HOLDFAST_HIDE_REPORTER_DAYS", 7, least=0)
# Days for which it is known which accounts share an address block, a browser or a text; 0: none.
HOLDFAST_TRACE_DAYS = env.whole("HOLDFAST_TRACE_DAYS", 30, least=0)
HOLDFAST_FILTER_MUTE_MINUTES = env.whole("HOLDFAST_FILTER_MUTE_MINUTES", 60)  # in all rooms
HOLDFAST_OWN_DATA_PER_DAY = env.whole("HOLDFAST_OWN_DATA_PER_DAY", 5)  # downloads of a user

# --- traces and errors ----------------------------------------------------------------------------

# Both need an extra of pyproject.toml: `otel`, `sentry`.
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT", "")
SENTRY_DSN = env.text("SENTRY_DSN", "")

# --- names ----------------------------------------------------------------------------------------

# Where every cookie can be for this host only, the site's own settings say so.
LAST_ROOM_COOKIE_NAME = "last_room"
TIME_ZONE_COOKIE_NAME = "timezone"  # of static/realtime/lib/time_zone.js
# Cookies that tell what a person did; deleted when someone signs out, or in.
PERSONAL_COOKIES = [LAST_ROOM_COOKIE_NAME]
# Beginnings of addresses whose next part is a secret. No log contains it.
SECRET_ADDRESSES = ["/invite/"]
