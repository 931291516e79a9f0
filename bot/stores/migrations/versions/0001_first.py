"""The first schema."""

import sqlalchemy as sa
from alembic import op

from bot.stores import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table('audit',
        sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('who', sa.Text(), nullable=False),
        sa.Column('action', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('detail', sa.Text(), nullable=False),
        sa.Column('link', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('id')
        )
    op.create_index('audit_subject', 'audit', ['subject', 'id'], unique=False)
    op.create_table('conversations',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('language', sa.Text(), nullable=False),
        sa.Column('country', sa.Text(), nullable=False),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('owner', sa.Text(), nullable=False),
        sa.Column('owner_epoch', sa.Integer(), nullable=False),
        sa.Column('urgency', sa.SmallInteger(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('ended_at', sa.BigInteger(), nullable=True),
        sa.Column('erased_at', sa.BigInteger(), nullable=True),
        sa.Column('version', sa.BigInteger(), nullable=False),
        sa.Column('last_seq', sa.Integer(), nullable=False),
        sa.Column('active_at', sa.BigInteger(), nullable=False),
        sa.Column('data_key', sa.LargeBinary(), nullable=True),
        sa.Column('memory', sa.LargeBinary(), nullable=True),
        sa.Column('token_digest', sa.LargeBinary(), nullable=True),
        sa.Column('token_expires_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('token_digest')
        )
    op.create_index('conversations_active', 'conversations', ['active_at'], unique=False)
    op.create_table('deliveries',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('event', sa.BigInteger(), nullable=True),
        sa.Column('target', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('handoff', sa.Text(), nullable=False),
        sa.Column('conversation', sa.Text(), nullable=False),
        sa.Column('last_error', sa.Text(), nullable=False),
        sa.Column('step', sa.Integer(), nullable=False),
        sa.Column('cancel_on_claim', sa.SmallInteger(), nullable=False),
        sa.Column('lease_until', sa.BigInteger(), nullable=True),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('ended_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True
        )
    op.create_index('deliveries_due', 'deliveries', ['due_at', 'id'], unique=False, sqlite_where=sa.text("state = 'due'"), postgresql_where=sa.text("state = 'due'"))
    op.create_index('deliveries_event', 'deliveries', ['event'], unique=False)
    op.create_index('deliveries_handoff', 'deliveries', ['handoff'], unique=False, sqlite_where=sa.text("cancel_on_claim = 1 AND state = 'due'"), postgresql_where=sa.text("cancel_on_claim = 1 AND state = 'due'"))
    op.create_index('deliveries_order', 'deliveries', ['target', 'conversation', 'id'], unique=False, sqlite_where=sa.text("state IN ('due', 'sending')"), postgresql_where=sa.text("state IN ('due', 'sending')"))
    op.create_index('deliveries_sending', 'deliveries', ['lease_until'], unique=False, sqlite_where=sa.text("state = 'sending'"), postgresql_where=sa.text("state = 'sending'"))
    op.create_index('deliveries_target', 'deliveries', ['target', 'state', 'id'], unique=False)
    op.create_table('events',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('conversation', sa.Text(), nullable=False),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('data', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True
        )
    op.create_index('events_age', 'events', ['created_at'], unique=False)
    op.create_table('keys',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('prefix', sa.Text(), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('scopes', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=True),
        sa.Column('revoked_at', sa.BigInteger(), nullable=True),
        sa.Column('last_used_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('digest')
        )
    op.create_table('meta',
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('value', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('name')
        )
    op.create_table('records',
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('value', sa.LargeBinary(), nullable=False),
        sa.Column('updated_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('kind', 'id')
        )
    op.create_table('secrets',
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('value', sa.LargeBinary(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('kind', 'digest')
        )
    op.create_table('users',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('email', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False),
        sa.Column('password_hash', sa.Text(), nullable=False),
        sa.Column('totp_secret', sa.LargeBinary(), nullable=True),
        sa.Column('disabled_at', sa.BigInteger(), nullable=True),
        sa.Column('on_duty', sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('email')
        )
    op.create_table('webhooks',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('url', sa.Text(), nullable=False),
        sa.Column('events', sa.Text(), nullable=False),
        sa.Column('secret', sa.LargeBinary(), nullable=False),
        sa.Column('previous_secret', sa.LargeBinary(), nullable=True),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('owner', sa.Text(), nullable=False),
        sa.Column('disabled_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id')
        )
    op.create_table('gaps',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('conversation', sa.Text(), nullable=False),
        sa.Column('asked_at', sa.BigInteger(), nullable=False),
        sa.Column('language', sa.Text(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], ),
        sa.PrimaryKeyConstraint('id')
        )
    op.create_index('gaps_asked', 'gaps', ['asked_at'], unique=False)
    op.create_index('gaps_of', 'gaps', ['conversation'], unique=False)
    op.create_table('handoffs',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('conversation', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('urgency', sa.SmallInteger(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('opened_at', sa.BigInteger(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=True),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('holder', sa.Text(), nullable=False),
        sa.Column('holder_name', sa.Text(), nullable=False),
        sa.Column('lease_until', sa.BigInteger(), nullable=True),
        sa.Column('acknowledged_at', sa.BigInteger(), nullable=True),
        sa.Column('claimed_at', sa.BigInteger(), nullable=True),
        sa.Column('closed_at', sa.BigInteger(), nullable=True),
        sa.Column('outcome', sa.Text(), nullable=True),
        sa.Column('card', sa.LargeBinary(), nullable=True),
        sa.Column('booking', sa.SmallInteger(), nullable=False),
        sa.Column('language', sa.Text(), nullable=False),
        sa.Column('country', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], ),
        sa.PrimaryKeyConstraint('id')
        )
    op.create_index('handoffs_holder', 'handoffs', ['holder', 'state'], unique=False)
    op.create_index('handoffs_of', 'handoffs', ['conversation', 'opened_at'], unique=False)
    op.create_index('handoffs_open', 'handoffs', ['conversation'], unique=True, sqlite_where=sa.text("state <> 'closed'"), postgresql_where=sa.text("state <> 'closed'"))
    op.create_index('handoffs_queue', 'handoffs', ['state', 'urgency', 'opened_at'], unique=False)
    op.create_table('messages',
        sa.Column('conversation', sa.Text(), nullable=False),
        sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('author', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
        sa.Column('name', sa.Text(), nullable=True),
        sa.Column('answers', sa.Integer(), nullable=True),
        sa.Column('client_mac', sa.LargeBinary(), nullable=True),
        sa.Column('text_mac', sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], ),
        sa.PrimaryKeyConstraint('conversation', 'seq'),
        sqlite_with_rowid=False
        )
    op.create_index('messages_client', 'messages', ['conversation', 'client_mac'], unique=True, sqlite_where=sa.text('client_mac IS NOT NULL'), postgresql_where=sa.text('client_mac IS NOT NULL'))
    op.create_table('sessions',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('user', sa.Text(), nullable=False),
        sa.Column('csrf', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('seen_at', sa.BigInteger(), nullable=False),
        sa.Column('address', sa.Text(), nullable=False),
        sa.Column('agent', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['user'], ['users.id'], ),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('digest')
        )
    op.create_index('sessions_user', 'sessions', ['user'], unique=False)
    op.create_table('bookings',
        sa.Column('handoff', sa.Text(), nullable=False),
        sa.Column('conversation', sa.Text(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('draft', sa.LargeBinary(), nullable=False),
        sa.Column('updated_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], ),
        sa.ForeignKeyConstraint(['handoff'], ['handoffs.id'], ),
        sa.PrimaryKeyConstraint('handoff')
        )
    op.create_index('bookings_of', 'bookings', ['conversation'], unique=False)
    op.create_table('notes',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('handoff', sa.Text(), nullable=False),
        sa.Column('conversation', sa.Text(), nullable=False),
        sa.Column('author', sa.Text(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], ),
        sa.ForeignKeyConstraint(['handoff'], ['handoffs.id'], ),
        sa.PrimaryKeyConstraint('id')
        )
    op.create_index('notes_conversation', 'notes', ['conversation'], unique=False)
    op.create_index('notes_of', 'notes', ['handoff', 'created_at'], unique=False)


