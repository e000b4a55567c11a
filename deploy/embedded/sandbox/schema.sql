-- The sandbox's own schema. Every statement can run again: it is executed at each start.
create schema if not exists sandbox;

-- One row for every recipient of an accepted request, and for every reply that a person typed in the browser.
create table if not exists sandbox.messages (
    seq          bigint generated always as identity primary key,
    id           text        not null unique, -- SendGrid's sg_message_id, Twilio's sid
    request_id   text        not null,        -- SendGrid's X-Message-Id, shared by a request's recipients
    provider     text        not null,        -- sendgrid, twilio
    direction    text        not null,        -- outbound, inbound, auto (Twilio's own answer to STOP)
    sender       text        not null,
    sender_name  text        not null default '',
    recipient    text        not null,
    recipient_name text      not null default '',
    copy         text        not null default 'to', -- to, cc, bcc
    reply_to     text        not null default '',
    subject      text        not null default '',
    body_text    text        not null default '',
    body_html    text        not null default '',
    headers      jsonb       not null default '{}',
    custom_args  jsonb       not null default '{}',
    categories   jsonb       not null default '[]',
    callback     text        not null default '', -- Twilio's StatusCallback
    reference    text        not null default '', -- the sender's own id of the message
    message_id   text        not null default '', -- the Message-ID header, with angle brackets
    parent       bigint      references sandbox.messages (seq), -- the mail that an inbound one answers
    status       text        not null,
    error_code   int         not null default 0,
    segments     int         not null default 0,
    media        int         not null default 0,
    raw          json        not null,
    accepted_at  timestamptz not null, -- on the sandbox's clock, as the two below
    updated_at   timestamptz not null,
    sent_at      timestamptz
);

create index if not exists messages_recipient on sandbox.messages (recipient, seq);
create index if not exists messages_sender on sandbox.messages (sender, seq);
create index if not exists messages_request on sandbox.messages (request_id);
create index if not exists messages_reference on sandbox.messages (reference) where reference <> '';
create index if not exists messages_custom_args on sandbox.messages using gin (custom_args jsonb_path_ops);
create index if not exists messages_parent on sandbox.messages (parent) where parent is not null;

-- What happens to a message, and whether Rapport was told. Rows stay as the message's history.
create table if not exists sandbox.webhooks (
    seq          bigint generated always as identity primary key,
    message      bigint      not null references sandbox.messages (seq),
    target       text        not null, -- sendgrid.events, sendgrid.inbound, twilio.status, twilio.inbound, one-click, reader
    event        text        not null, -- what happened: delivered, open, received...
    error_code   int         not null default 0,
    url          text        not null,
    content_type text        not null,
    payload      bytea       not null,
    state        text        not null, -- pending, accepted, refused, lost, silent (nobody to tell)
    created_at   timestamptz not null, -- on the sandbox's clock
    due_at       timestamptz not null, -- on the database's clock: the next attempt
    first_due_at timestamptz not null, -- on the database's clock
    happened_at  timestamptz,          -- on the sandbox's clock: when the message took the status
    settled_at   timestamptz,          -- on the sandbox's clock
    attempts     int         not null default 0,
    answer       text        not null default '' -- the last attempt's outcome
);

create index if not exists webhooks_message on sandbox.webhooks (message);
create index if not exists webhooks_coming on sandbox.webhooks (due_at) where happened_at is null;
create index if not exists webhooks_pending on sandbox.webhooks (target, due_at, seq) where state = 'pending';

-- What the applicant tracking system was told, once for each id.
create table if not exists sandbox.ats_updates (
    seq         bigint generated always as identity primary key,
    id          text        not null unique, -- webhook-id
    attempts    int         not null default 1,
    body        json        not null,
    received_at timestamptz not null -- on the sandbox's clock
);

-- Whom the providers no longer deliver to. Twilio keeps STOP by pair, SendGrid its lists by address (sender is empty).
create table if not exists sandbox.suppressions (
    provider  text not null,
    sender    text not null,
    recipient text not null,
    reason    text not null,
    primary key (provider, sender, recipient)
);
alter table sandbox.suppressions add column if not exists at timestamptz not null default now();

create table if not exists sandbox.signing_key (
    single boolean primary key default true check (single),
    pem    text not null
);
