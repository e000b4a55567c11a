-- +goose Up

-- An engagement score loses value from the moment it was counted.
alter table candidates
    alter column score type double precision,
    add column scored_at timestamptz;

-- A run can be asked to end by a person, a step of another run, or a pool that the candidate has left.
alter table enrollments
    add column ending text not null default '',
    add column pool   text not null default '';
update enrollments set ending = 'stopped' where stop_requested;
alter table enrollments drop column stop_requested;

-- The HTTP request that a decision asks for, and what came of it. Neither is ever in a workflow's history.
alter table decisions add column call jsonb;
create table calls (
    enrollment_id text        not null references enrollments on delete cascade,
    seq           bigint      not null,
    outcome       text        not null,
    reason        text        not null,
    result        jsonb,
    at            timestamptz not null,
    primary key (enrollment_id, seq)
);

-- Who is in which pool, whether a condition or a person put them there.
create table pool_members (
    pool         text        not null,
    candidate_id text        not null references candidates on delete cascade,
    since        timestamptz not null,
    primary key (pool, candidate_id)
);
create index pool_members_of_candidate on pool_members (candidate_id);

-- Arms of experiments, and when their measure was met.
create table assignments (
    enrollment_id text        not null references enrollments on delete cascade,
    step          text        not null,
    definition    text        not null,
    arm           text        not null,
    at            timestamptz not null,
    measured_at   timestamptz,
    primary key (enrollment_id, step)
);
create index assignments_of_step on assignments (definition, step, arm);
create table settled (
    definition text        not null,
    step       text        not null,
    arm        text        not null,
    at         timestamptz not null,
    primary key (definition, step)
);
