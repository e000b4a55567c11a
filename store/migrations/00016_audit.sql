-- +goose Up

alter table api_keys add column roles text[] not null default '{}';

-- Who did what. Each entry's hash covers it and the hash of the one before; see crm.AuditEntry. Nothing in it is personal.
create table audit_log (
    number      bigint primary key,
    at          timestamptz not null,
    actor       text        not null, -- the id of a key or an interviewer, or rapport
    action      text        not null,
    kind        text        not null,
    object      text        not null,
    detail      text        not null,
    commitments text[]      not null, -- to what is personal: name:HMAC-SHA-256(salt, name:value)
    previous    text        not null,
    hash        text        not null
);
create index audit_by_time on audit_log using brin (at);
create index audit_by_actor on audit_log (actor, number);

-- What commitments were made from. It goes with the candidate, and the log stays whole.
create table audit_openings (
    number       bigint  not null,
    part         integer not null,
    candidate_id text references candidates on delete cascade, -- whose erasure takes it; null: nobody's
    name         text    not null,
    value        text    not null,
    salt         bytea   not null,
    primary key (number, part)
);
create index audit_openings_of_candidate on audit_openings (candidate_id, number) where candidate_id is not null;

-- The last entry. Whoever appends locks it, after everything else, so that entries wait only for each other's commits.
create table audit_head (
    one    boolean primary key default true check (one),
    number bigint not null,
    hash   text   not null
);
insert into audit_head (number, hash) values (0, '');

-- The same as AuditEntry.Sum.
-- +goose StatementBegin
create function audit_sum(variadic parts text[]) returns text language sql immutable as $$
    select encode(sha256(convert_to(string_agg(octet_length(convert_to(part, 'UTF8')) || ':' || part || ',', '' order by i), 'UTF8')), 'hex')
    from unnest(parts) with ordinality p (part, i)
$$;
-- +goose StatementEnd

-- Appends entries, given as JSON, at the end of the chain. To be called last in a transaction: until its commit all others wait.
-- +goose StatementBegin
create function audit_append(entries jsonb) returns void language plpgsql as $$
declare
    e    jsonb;
    n    bigint;
    last text;
    sum  text;
    made text[];
begin
    -- Whoever is being erased or merged is waited for before the chain is locked, never while it is.
    perform from candidates where id in (select o->>'owner' from jsonb_array_elements(entries) entry, jsonb_array_elements(entry.value->'openings') o)
        order by id for key share;
    select number, hash into strict n, last from audit_head for update;
    for e in select value from jsonb_array_elements(entries) loop
        n := n + 1;
        made := array(select jsonb_array_elements_text(e->'commitments'));
        sum := audit_sum(variadic array['rapport-audit-1', n::text, e->>'at', e->>'actor', e->>'action', e->>'kind', e->>'object', e->>'detail', last] || made);
        insert into audit_log (number, at, actor, action, kind, object, detail, commitments, previous, hash)
            values (n, timestamptz 'epoch' + (e->>'at')::bigint * interval '1 microsecond', e->>'actor', e->>'action', e->>'kind', e->>'object',
                e->>'detail', made, last, sum);
        -- Of who is gone meanwhile nothing is kept.
        insert into audit_openings (number, part, candidate_id, name, value, salt)
            select n, (o->>'part')::integer, c.id, o->>'name', o->>'value', decode(o->>'salt', 'hex')
            from jsonb_array_elements(e->'openings') o left join candidates c
                on c.id = coalesce((select a.candidate_id from aliases a where a.name = o->>'owner'), o->>'owner')
            where c.id is not null or o->>'owner' = '';
        last := sum;
    end loop;
    update audit_head set number = n, hash = last;
end
$$;
-- +goose StatementEnd

-- The log only grows. Whoever has to break that sets rapport.break_glass to the reason, and every check finds it ever after.
-- +goose StatementBegin
create function audit_only_grows() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('rapport.break_glass', true), '') = '' then
        raise exception 'the audit log only grows' using hint = 'See "The audit log" in docs/operations.md.';
    end if;
    return null;
end
$$;
-- +goose StatementEnd
create trigger audit_only_grows before update or delete or truncate on audit_log for each statement execute function audit_only_grows();
