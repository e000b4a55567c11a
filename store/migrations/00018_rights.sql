-- +goose Up

-- A hold is on a candidate, on one of their applications, on everybody who applied for a role, or on those of whom a condition is
-- true. The application of one that is on an application can go, by a merge: its candidate is held all the same.
alter table legal_holds
    alter column candidate_id drop not null,
    add column application_id text references applications on delete set null,
    add column role           text not null default '',
    add column condition      text not null default '',
    add constraint legal_holds_of_something check (candidate_id is not null or role <> '' or condition <> '');
create index legal_holds_of_role on legal_holds (role) where role <> '';
create index legal_holds_with_condition on legal_holds (id) where condition <> '' and lifted_at is null;

-- What candidates ask for by their rights (GDPR Art. 15 to 21). Wake is raised with every change, and wake_sent to it once the workflow
-- of the request knows.
create table privacy_requests (
    id           text primary key check (id <> ''),
    candidate_id text        not null references candidates on delete cascade,
    kind         text        not null,
    state        text        not null,
    purpose      text        not null default '', -- that is objected to; '': all
    wish         text        not null default '', -- in their own words
    source       text        not null,            -- where it came in
    said_by      text        not null default '', -- who wrote it down, if not the candidate
    received_at  timestamptz not null,
    verified_at  timestamptz,
    verified_by  text        not null default '',
    due_at       timestamptz not null,
    extended_at  timestamptz,
    extended_why text        not null default '',
    closed_at    timestamptz,
    closed_by    text        not null default '',
    ground       text        not null default '', -- of a refusal
    answer       text        not null default '', -- what the candidate is told
    reminded     integer     not null default 0,  -- how many reminders of the present due date are out
    wake         bigint      not null default 1,
    wake_sent    bigint      not null default 0
) with (fillfactor = 70);
create index privacy_requests_of_candidate on privacy_requests (candidate_id, id);
create index privacy_requests_unsent on privacy_requests (id) where wake > wake_sent;
create unique index privacy_requests_one_open on privacy_requests (candidate_id, kind, purpose) where closed_at is null;

-- Since when their data are kept and not used (GDPR Art. 18).
alter table candidates add column restricted_at timestamptz;
