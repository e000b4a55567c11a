-- +goose Up

-- Links by which interviewers connect a calendar of theirs at a provider. One that was used is gone.
create table calendar_connections (
    id             text primary key check (id <> ''),
    interviewer_id text        not null references interviewers on delete cascade,
    kind           text        not null,
    expires_at     timestamptz not null
);
create index calendar_connections_of on calendar_connections (interviewer_id);

-- Who went to a provider by such a link and has not come back yet: by the hash of what they come back with, and the challenge of
-- PKCE (RFC 7636) that their browser can meet.
create table calendar_consents (
    state         bytea primary key,
    connection_id text        not null references calendar_connections on delete cascade,
    challenge     text        not null,
    expires_at    timestamptz not null
);
create index calendar_consents_of on calendar_consents (connection_id);
