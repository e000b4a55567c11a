-- +goose Up

-- As before, but for how whoever is told about is found: their ids are taken out first. Joined with the entries, every one of them had a
-- copy of its whole entry beside it, so that a list of 500 people wrote some hundred megabytes of temporary files.
-- +goose StatementBegin
create or replace function audit_append(entries jsonb) returns void language plpgsql as $$
declare
    e      jsonb;
    n      bigint;
    last   text;
    sum    text;
    made   text[];
    owners text[] := array(select o->>'owner' from jsonb_path_query(entries, '$[*].openings[*]') o);
begin
    -- Whoever is being erased or merged is waited for before the chain is locked, never while it is.
    perform from candidates where id = any(owners) order by id for key share;
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
