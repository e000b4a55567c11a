-- +goose Up

-- Work over many candidates, done in chunks. The cursor is the last candidate looked at; it moves in the transaction that
-- writes what the chunk led to.
create table jobs (
    id           text primary key check (id <> ''),
    key          text        not null unique,
    kind         text        not null,
    definition   text        not null default '',
    pools        text[]      not null default '{}',
    event_id     text,
    date         timestamptz,
    cursor       text        not null default '',
    total        bigint      not null default 0,
    done         bigint      not null default 0,
    found        bigint      not null default 0,
    created_at   timestamptz not null,
    not_before   timestamptz not null,
    started_at   timestamptz,
    worked_at    timestamptz, -- the last chunk: jobs take turns
    finished_at  timestamptz,
    window_at    timestamptz, -- of a pace
    window_found integer     not null default 0,
    attempts     integer     not null default 0,
    error        text        not null default ''
) with (fillfactor = 50);
create index jobs_open on jobs (id) where finished_at is null;

-- What jobs were last made for: the condition by which a pool was looked at, the rule whose members were told, a
-- campaign's last date.
create table job_marks (
    kind       text not null,
    definition text not null,
    pool       text not null,
    state      text not null check (state <> ''),
    primary key (kind, definition, pool)
);

-- Events that no candidate is the subject of, until there is a job for them.
create index events_broadcast on events (seq) where position is null and candidate_id is null and subject = '';
