-- +goose Up

-- People who hold interviews. Hours are written as crm.ParseHours reads them, the minimum gap is in seconds.
create table interviewers (
    id           text primary key check (id <> ''),
    email        text        not null unique check (email <> '' and email = lower(email)),
    name         text        not null,
    zone         text        not null,
    hours        text        not null,
    skills       text[]      not null,
    groups       text[]      not null,
    daily_limit  integer     not null,
    weekly_limit integer     not null,
    min_gap      bigint      not null,
    weight       integer     not null,
    trainee      boolean     not null,
    active       boolean     not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);
create index interviewers_in_group on interviewers using gin (groups);

-- When they are away, and nothing of why.
create table interviewer_time_off (
    interviewer_id text        not null references interviewers on delete cascade,
    starts_at      timestamptz not null,
    ends_at        timestamptz not null check (ends_at > starts_at),
    primary key (interviewer_id, starts_at)
);

-- Their calendars. Sealed is what opens one, by a key that is not in the database. What was busy when it last answered is kept
-- for the time when it does not.
create table interviewer_calendars (
    id             text primary key check (id <> ''),
    interviewer_id text        not null references interviewers on delete cascade,
    kind           text        not null,
    address        text        not null,
    account        text        not null,
    sealed         bytea,
    created_at     timestamptz not null,
    state          text        not null default '',
    since          timestamptz,
    last_ok        timestamptz,
    busy_starts    timestamptz[] not null default '{}',
    busy_ends      timestamptz[] not null default '{}',
    busy_at        timestamptz,
    busy_from      timestamptz,
    busy_to        timestamptz
);
create index interviewer_calendars_of on interviewer_calendars (interviewer_id, id);

-- Who changed what about them: the names of fields, no values. Only ever added to; it outlives who it is about.
create table interviewer_changes (
    id             bigint generated always as identity primary key,
    interviewer_id text        not null,
    at             timestamptz not null,
    said_by        text        not null,
    what           text        not null,
    fields         text[]      not null
);
create index interviewer_changes_of on interviewer_changes (interviewer_id, id);
