-- +goose Up

-- The queue of messages is one for each channel, as each has an account and a rate of its own. Within a priority the sequences
-- take turns, so it is read by sequence.
drop index messages_planned;
create index messages_planned on messages (channel, priority, definition, not_before, id)
    include (candidate_id, enrollment_id) where state = 'planned';

-- What it takes to look up at the provider what became of a message: who sent it, and a hash of a
-- text's words, which is forgotten once its fate is known.
-- Lookup_at is when the provider is asked next; null: it is not asked any more.
alter table messages
    add column sender         text        not null default '',
    add column body_hash      bytea,
    add column unknown_at     timestamptz,
    add column unknown_reason text        not null default '',
    add column lookup_at      timestamptz,
    add column lookups        integer     not null default 0,
    add column resent_at      timestamptz;
update messages set unknown_at = changed_at, unknown_reason = reason, lookup_at = changed_at where state = 'unknown';
drop index messages_unknown;
create index messages_unknown on messages (id) where state = 'unknown';
create index messages_lookup on messages (lookup_at) where state = 'unknown' and lookup_at is not null;

-- What was looked up or said about a message whose fate was unknown. Only ever added to.
create table message_evidence (
    id         bigint generated always as identity primary key,
    message_id text        not null references messages on delete cascade,
    at         timestamptz not null,
    source     text        not null, -- a provider that was asked, or "person"
    result     text        not null,
    said_by    text        not null default '', -- of a person
    note       text        not null default ''
);
create index message_evidence_of_message on message_evidence (message_id, id);
