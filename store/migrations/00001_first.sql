-- +goose Up

-- Values that an installation makes once for itself: the secret of its address hashes, for one.
create table settings (
    name  text primary key,
    value text not null
);

create table candidates (
    id                text primary key check (id <> ''),
    external_id       text unique,
    first_name        text        not null,
    last_name         text        not null,
    email             text        not null,
    phone             text        not null,
    country           text        not null,
    region            text        not null,
    city              text        not null,
    time_zone         text        not null,
    locale            text        not null,
    status            text        not null,
    source            text        not null,
    owner             text        not null,
    seniority         text        not null,
    functions         text[]      not null,
    skills            text[]      not null,
    tags              text[]      not null,
    score             bigint      not null,
    attributes        jsonb       not null,
    legal_hold        boolean     not null,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    last_activity_at  timestamptz,
    last_contacted_at timestamptz,
    last_decision_at  timestamptz,
    position          bigint      not null default 0 -- of the last event dispatched
) with (fillfactor = 85);

-- The present addresses, normalised, with the hash that suppressions are kept under.
create table contact_points (
    candidate_id text  not null references candidates on delete cascade,
    channel      text  not null,
    address      text  not null,
    address_hash bytea not null,
    primary key (candidate_id, channel)
);
create index contact_points_by_address on contact_points (address_hash);

-- Only ever added to. In force is the last line by time, then by id. The key makes a repeated line the same line.
create table consents (
    id           bigint generated always as identity,
    candidate_id text        not null references candidates on delete cascade,
    purpose      text        not null,
    channel      text        not null,
    granted      boolean     not null,
    source       text        not null,
    wording      text        not null,
    cause        text        not null default '', -- of an opt-out: its reason, so that START takes back what STOP did
    at           timestamptz not null,
    primary key (candidate_id, purpose, channel, at, granted)
);

-- Addresses that must not be written to. No address and no candidate: it outlives erasure.
create table suppressions (
    address_hash bytea       not null,
    channel      text        not null,
    reason       text        not null,
    source       text        not null,
    at           timestamptz not null,
    primary key (address_hash, reason)
);

create table applications (
    id            text primary key check (id <> ''),
    candidate_id  text        not null references candidates on delete cascade,
    external_id   text        not null,
    role          text        not null,
    role_function text        not null,
    stage         text        not null,
    status        text        not null,
    reason        text        not null,
    source        text        not null,
    applied_at    timestamptz,
    closed_at     timestamptz,
    unique (candidate_id, external_id)
);

-- Events in. seq is the order of receipt; position the order of the candidate, given at dispatch. A row without a
-- position is pending; one without a candidate is kept until its subject is known.
create table events (
    id            text primary key check (id <> ''),
    seq           bigint      not null,
    source        text        not null,
    external_id   text        not null,
    type          text        not null,
    subject       text        not null,
    candidate_id  text,
    time          timestamptz not null,
    received_at   timestamptz not null,
    record_only   boolean     not null,
    data          jsonb       not null,
    position      bigint,
    dispatched_at timestamptz,
    set_aside     text,
    unique (source, external_id)
);
create sequence events_seq owned by events.seq;
create index events_of_candidate on events (candidate_id, position) where candidate_id is not null;
create index events_pending on events (seq) include (candidate_id) where position is null and candidate_id is not null;
create index events_kept on events (subject) where candidate_id is null;
create index events_kept_order on events (seq) where candidate_id is null;

-- Definitions are immutable; which version is in force and whether it is paused is a row of its own.
create table definitions (
    kind       text        not null,
    name       text        not null,
    locale     text        not null,
    version    integer     not null,
    hash       text        not null,
    source     text        not null,
    file       text        not null,
    line       integer     not null,
    created_at timestamptz not null,
    primary key (kind, name, locale, version),
    unique (kind, name, locale, hash)
);
create index definitions_by_hash on definitions (hash);
create table published (
    kind       text        not null,
    name       text        not null,
    locale     text        not null,
    version    integer     not null,
    paused     boolean     not null default false,
    changed_at timestamptz not null,
    primary key (kind, name, locale),
    foreign key (kind, name, locale, version) references definitions
);
create table generation (
    one   boolean primary key default true check (one),
    value bigint not null
);
insert into generation (value) values (0);

create table enrollments (
    id             text primary key check (id <> ''),
    definition     text        not null,
    hash           text        not null,
    version        integer     not null,
    candidate_id   text        not null references candidates on delete cascade,
    application_id text references applications on delete cascade,
    n              integer     not null,
    status         text        not null,
    paused         boolean     not null,
    stop_requested boolean     not null,
    outcome        text        not null default '',
    withdrawn      boolean     not null default false, -- it was ended from outside: nothing of it may follow
    started_at     timestamptz not null,
    closed_at      timestamptz,
    goal_at        timestamptz,
    event_id       text,
    position       bigint      not null,
    wake           bigint      not null default 0,
    wake_seen      bigint      not null default 0,
    wake_sent      bigint      not null default 0,
    seq            bigint      not null default 0,
    due            timestamptz,
    awaits         text[]      not null,
    listens        text[]      not null,
    progress       jsonb       not null,
    unique (candidate_id, definition, n)
) with (fillfactor = 80);
create unique index enrollments_one_open on enrollments (definition, coalesce(application_id, candidate_id))
    where status <> 'closed';
create index enrollments_starting on enrollments (id) where status = 'starting';
create index enrollments_unsignalled on enrollments (id) where status = 'running' and wake > wake_sent;
create index enrollments_due on enrollments (due) where status = 'running' and due is not null;

-- Decisions of runs (with a seq), and what the dispatcher noted about events (without one).
create table decisions (
    id            bigint generated always as identity primary key,
    candidate_id  text        not null,
    enrollment_id text,
    seq           bigint,
    definition    text        not null,
    hash          text        not null,
    at            timestamptz not null,
    command       jsonb,
    notes         jsonb       not null
);
create unique index decisions_of_run on decisions (enrollment_id, seq) where seq is not null;
create index decisions_of_candidate on decisions (candidate_id, at, id);

-- Messages out: the ledger.
create table messages (
    id            text primary key check (id <> ''),
    candidate_id  text        not null references candidates on delete cascade,
    enrollment_id text        not null references enrollments on delete cascade,
    definition    text        not null,
    hash          text        not null,
    step          text        not null,
    occurrence    integer     not null,
    channel       text        not null,
    purpose       text        not null,
    template      text        not null,
    template_hash text        not null,
    priority      integer     not null,
    state         text        not null,
    reason        text        not null,
    planned_at    timestamptz not null,
    not_before    timestamptz not null,
    not_after     timestamptz,
    claimed_at    timestamptz,
    lease_until   timestamptz,
    attempts      integer     not null default 0,
    address       text        not null default '',
    subject       text        not null default '',
    provider      text        not null default '',
    provider_id   text        not null default '',
    accepted_at   timestamptz,
    delivered_at  timestamptz,
    opened_at     timestamptz,
    clicked_at    timestamptz,
    replied_at    timestamptz,
    bounced_at    timestamptz,
    complained_at timestamptz,
    changed_at    timestamptz not null, -- when it got its state
    unique (enrollment_id, step, occurrence)
) with (fillfactor = 85);
create index messages_of_candidate on messages (candidate_id, planned_at);
create index messages_planned on messages (priority, planned_at, id) include (not_before, candidate_id) where state = 'planned';
create index messages_claimed on messages (lease_until) where state = 'claimed';
create index messages_unknown on messages (id) where state = 'unknown';
create index messages_by_provider on messages (provider, provider_id) where provider_id <> '';
create index messages_by_address on messages (lower(address), accepted_at) where address <> '';

create table tasks (
    id            text primary key check (id <> ''),
    candidate_id  text        not null references candidates on delete cascade,
    enrollment_id text,
    definition    text        not null,
    step          text        not null,
    occurrence    integer     not null,
    title         text        not null,
    assignee      text        not null,
    via           text        not null,
    due_at        timestamptz,
    state         text        not null,
    outcome       text        not null default '',
    note          text        not null default '',
    closed_by     text        not null default '',
    created_at    timestamptz not null,
    closed_at     timestamptz
);
create index tasks_of_candidate on tasks (candidate_id, id);
create index tasks_open on tasks (enrollment_id) where state = 'open';

create table api_keys (
    id           text primary key,
    name         text        not null,
    hash         bytea       not null,
    scopes       text[]      not null,
    created_at   timestamptz not null,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
