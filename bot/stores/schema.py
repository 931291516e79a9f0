"""The tables, once, for every plug. Times are whole microseconds since 1970 in UTC; yes and no are 1 and 0."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata = MetaData()


BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER PRIMARY KEY

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("owner_epoch", Integer, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("erased_at", BigInteger),
    Column("version", BigInteger, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("active_at", BigInteger, nullable=False),  # the last write: retention counts from here
    Column("data_key", LargeBinary),  # wrapped; without it nothing of the conversation can be read any more
    Column("memory", LargeBinary),  # sealed
    Column("token_digest", LargeBinary, unique=True),
    Column("token_expires_at", BigInteger),
    Index("conversations_active", "active_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("conversation", Text, ForeignKey("conversations.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed: text, citations, actions, client id
    Column("name", Text),
    Column("answers", Integer),  # the seq of the visitor's message that this one answers
    Column("client_mac", LargeBinary),  # of author and client id, under the conversation's key
    Column("text_mac", LargeBinary),  # of the text that came with that client id
    Index(
        "messages_client",
        "conversation",
        "client_mac",
        unique=True,
        sqlite_where=text("client_mac IS NOT NULL"),
        postgresql_where=text("client_mac IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("conversation", Text, ForeignKey("conversations.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("holder_name", Text, nullable=False),
    Column("lease_until", BigInteger),
    Column("acknowledged_at", BigInteger),
    Column("claimed_at", BigInteger),  # first claim
    Column("closed_at", BigInteger),
    Column("outcome", Text),
    Column("card", LargeBinary),  # sealed
    Column("booking", SmallInteger, nullable=False),
    Column("language", Text, nullable=False),
    Column("country", Text, nullable=False),
    Index(
        "handoffs_open",
        "conversation",
        unique=True,
        sqlite_where=text("state <> 'closed'"),
        postgresql_where=text("state <> 'closed'"),
    ),
    Index("handoffs_of", "conversation", "opened_at"),
    Index("handoffs_queue", "state", "urgency", "opened_at"),
    Index("handoffs_holder", "holder", "state"),
)

bookings = Table(  # a row of its own: risk that joins the handoff does not lose it
    "bookings",
    metadata,
    Column("handoff", Text, ForeignKey("handoffs.id"), primary_key=True),
    Column("conversation", Text, ForeignKey("conversations.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("draft", LargeBinary, nullable=False),  # sealed
    Column("updated_at", BigInteger, nullable=False),
    Index("bookings_of", "conversation"),
)

notes = Table(  # private: no visitor query joins it
    "notes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("handoff", Text, ForeignKey("handoffs.id"), nullable=False),
    Column("conversation", Text, ForeignKey("conversations.id"), nullable=False),
    Column("author", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed
    Column("created_at", BigInteger, nullable=False),
    Index("notes_of", "handoff", "created_at"),
    Index("notes_conversation", "conversation"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("conversation", Text, ForeignKey("conversations.id"), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("language", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed
    Index("gaps_of", "conversation"),
    Index("gaps_asked", "asked_at"),
)

events = Table(
    "events",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("conversation", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON: ids and states only
    Column("created_at", BigInteger, nullable=False),
    Index("events_age", "created_at"),
    sqlite_autoincrement=True,  # an id is never used twice, also after the last event was removed
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),  # JSON list; empty: all
    Column("secret", LargeBinary, nullable=False),  # sealed under the store's key
    Column("previous_secret", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("disabled_at", BigInteger),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("event", BigInteger),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # due | sending | sent | dead | cancelled
    Column("handoff", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("cancel_on_claim", SmallInteger, nullable=False),
    Column("lease_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("deliveries_due", "due_at", "id", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")),
    Index(
        "deliveries_sending",
        "lease_until",
        sqlite_where=text("state = 'sending'"),
        postgresql_where=text("state = 'sending'"),
    ),
    Index(
        "deliveries_order",
        "target",
        "conversation",
        "id",
        sqlite_where=text("state IN ('due', 'sending')"),
        postgresql_where=text("state IN ('due', 'sending')"),
    ),
    Index("deliveries_target", "target", "state", "id"),
    Index(
        "deliveries_handoff",
        "handoff",
        sqlite_where=text("cancel_on_claim = 1 AND state = 'due'"),
        postgresql_where=text("cancel_on_claim = 1 AND state = 'due'"),
    ),
    Index("deliveries_event", "event"),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("totp_secret", LargeBinary),  # sealed under the store's key
    Column("disabled_at", BigInteger),
    Column("on_duty", SmallInteger, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),  # JSON list
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("user", Text, ForeignKey("users.id"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Index("sessions_user", "user"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),  # sealed under the store's key
    Column("expires_at", BigInteger, nullable=False),
)

records = Table(  # small things that other rooms keep: passkeys, marks on flags, leave, canned replies
    "records",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),  # sealed under the store's key
    Column("updated_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # gapless
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("link", LargeBinary, nullable=False),  # HMAC over the row and the link before it
    Index("audit_subject", "subject", "id"),
)
