-- +goose Up

-- Runs of retention policies: how far each is, and what it has done. Cursor is the last candidate that it looked at.
create table retention_runs (
    policy      text        not null,
    day         text        not null, -- of the policy's zone; of a run by hand with the time after a dot
    hash        text        not null, -- of the policy
    workflow_id text        not null,
    state       text        not null,
    at          timestamptz not null, -- for which moment it looks
    cursor      text        not null default '',
    total       bigint      not null default 0,
    looked      bigint      not null default 0,
    scope       bigint      not null default 0, -- to whom the policy applies
    due         bigint      not null default 0, -- whom it would take
    share       double precision not null default 0, -- of the scope that it may take at once; 0: any
    notify      bigint      not null default 0, -- whom it would tell
    noticed     bigint      not null default 0,
    taken       bigint      not null default 0,
    kept        jsonb       not null default '{}', -- by reason
    started_at  timestamptz,
    worked_at   timestamptz,
    finished_at timestamptz,
    decided_by  text        not null default '', -- who said that it goes on, or stops, or had it start
    error       text        not null default '',
    wake        bigint      not null default 0,
    wake_sent   bigint      not null default 0,
    primary key (policy, day)
);
create unique index retention_runs_by_workflow on retention_runs (workflow_id);
create index retention_runs_untold on retention_runs (policy, day) where wake > wake_sent;

-- What a run found to be done, until it is done. Each is decided again under the candidate's lock.
create table retention_acts (
    policy       text        not null,
    day          text        not null,
    candidate_id text        not null references candidates on delete cascade,
    not_before   timestamptz not null,
    tries        integer     not null default 0,
    primary key (policy, day, candidate_id),
    foreign key (policy, day) references retention_runs on delete cascade
);
create index retention_acts_in_order on retention_acts (policy, day, not_before, candidate_id);
create index retention_acts_of_candidate on retention_acts (candidate_id);

-- By which messages candidates were told that a policy takes their data. What became of one is in the ledger.
create table retention_notices (
    message_id   text primary key check (message_id <> ''),
    policy       text        not null,
    candidate_id text        not null references candidates on delete cascade,
    until        timestamptz not null, -- the date that it was about
    due          timestamptz not null  -- the moment that it named
);
create index retention_notices_of_candidate on retention_notices (candidate_id);
