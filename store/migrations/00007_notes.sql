-- +goose Up

-- What people write down about a candidate: calls, meetings. Source and external_id are its identity where a source has given one.
create table notes (
    id           text primary key check (id <> ''),
    candidate_id text        not null references candidates on delete cascade,
    kind         text        not null,
    text         text        not null,
    author       text        not null,
    source       text        not null,
    external_id  text        not null,
    at           timestamptz not null,
    created_at   timestamptz not null
);
create index notes_of_candidate on notes (candidate_id, at, id);
create unique index notes_once on notes (source, external_id) where external_id <> '';
