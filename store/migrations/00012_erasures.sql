-- +goose Up

-- Who must not be erased for now, and why. A hold that was lifted stays on record for as long as the candidate does.
create table legal_holds (
    id           text primary key check (id <> ''),
    candidate_id text        not null references candidates on delete cascade,
    why          text        not null,
    said_by      text        not null,
    until        timestamptz, -- null: until it is lifted
    created_at   timestamptz not null,
    lifted_at    timestamptz,
    lifted_by    text        not null default ''
);
create index legal_holds_of_candidate on legal_holds (candidate_id);

-- What was erased. Receipt is the signed JSON as it is given out, which says nothing of a person. Each names the hash of the one
-- before it, so that none can be left out.
create table erasures (
    id          text primary key check (id <> ''),
    number      bigint      not null,
    at          timestamptz not null,
    mode        text        not null,
    rule        text        not null,
    receipt     text        not null,
    reopened_at timestamptz, -- since when the person has a record again, as they have applied anew
    logged_at   timestamptz, -- when it was written to the log outside the database
    vacuumed_at timestamptz  -- when its dead rows were taken out
);
create index erasures_in_order on erasures (number, id);
create index erasures_unlogged on erasures (number) where logged_at is null;

-- The last of them: its number and its hash.
create table erasure_chain (
    one    boolean primary key default true check (one),
    number bigint not null,
    head   text   not null
);
insert into erasure_chain (number, head) values (0, '');

-- What is left of who was erased: HMAC-SHA-256 of ids, external ids and addresses, by the installation's key.
create table tombstones (
    hash       bytea not null,
    erasure_id text  not null references erasures,
    kind       text  not null, -- name, email or sms
    primary key (hash, erasure_id)
);
create index tombstones_of_erasure on tombstones (erasure_id);

-- The two halves of the key as HMAC uses them (RFC 2104), for name_hash. Written by the first erasure.
create table tombstone_key (
    one  boolean primary key default true check (one),
    ipad bytea not null,
    opad bytea not null
);

-- The hash under which a name is a tombstone: the same as the store's. Null before the first erasure.
-- +goose StatementBegin
create function name_hash(name text) returns bytea language sql stable as $$
    select sha256(opad || sha256(ipad || convert_to('name:' || name, 'UTF8'))) from tombstone_key
$$;
-- +goose StatementEnd

-- When, last, somebody was erased who went by that name and has not come back; null: nobody.
-- +goose StatementBegin
create function erased_at(name text) returns timestamptz language sql stable as $$
    select max(e.at) from tombstones t join erasures e on e.id = t.erasure_id where t.hash = name_hash(name) and e.reopened_at is null
$$;
-- +goose StatementEnd

-- What is to be done outside the database. Sealed is what that takes, and goes when it is done or given up.
create table erasure_jobs (
    id          bigint generated always as identity primary key,
    erasure_id  text        not null references erasures,
    kind        text        not null,
    sealed      bytea,
    passes      integer     not null default 0,
    attempts    integer     not null default 0,
    not_before  timestamptz not null,
    give_up_at  timestamptz not null,
    finished_at timestamptz,
    outcome     text        not null default ''
) with (fillfactor = 50);
create index erasure_jobs_open on erasure_jobs (not_before) where finished_at is null;
create index erasure_jobs_of_erasure on erasure_jobs (erasure_id);

-- What is counted of people who were anonymized. Of a kind, definition is the sequence or the function of a role.
create table past_counts (
    kind       text   not null,
    definition text   not null,
    step       text   not null,
    outcome    text   not null,
    month      date   not null,
    n          bigint not null,
    primary key (kind, definition, step, outcome, month)
);

create index erasures_unvacuumed on erasures (id) where vacuumed_at is null;
