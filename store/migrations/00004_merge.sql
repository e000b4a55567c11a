-- +goose Up

-- Former ids and external ids of candidates who were merged into another: who names them means the survivor.
create table aliases (
    name         text        primary key check (name <> ''),
    candidate_id text        not null references candidates on delete cascade,
    at           timestamptz not null
);
create index aliases_of_candidate on aliases (candidate_id);

-- A run that came from another candidate keeps the workflow it has. Unseen are the positions of events that a run's
-- candidate inherited while it was open: they were another's, and trigger nothing in it.
alter table enrollments
    add column workflow_id text          not null default '',
    add column unseen      int8multirange not null default '{}';

-- A run that was asked to end is out of the way of the one that goes on.
drop index enrollments_one_open;
create unique index enrollments_one_open on enrollments (definition, coalesce(application_id, candidate_id))
    where status <> 'closed' and ending = '';

-- Locks candidates in the order of their ids and returns the names they go by. Who waited for a candidate that is gone by
-- then, merged into another, holds the wrong locks: the transaction fails as one that has to be begun anew.
-- +goose StatementBegin
create function lock_candidates(ids text[]) returns table (id text, external_id text, aliases text[]) language plpgsql as $$
declare
    locked bigint;
begin
    return query
        select c.id, c.external_id, array(select a.name from aliases a where a.candidate_id = c.id)
        from candidates c where c.id = any (ids) order by c.id for no key update of c;
    get diagnostics locked = row_count;
    if locked < cardinality(ids) then
        raise exception 'a candidate is gone whose lock was awaited' using errcode = 'serialization_failure';
    end if;
end
$$;
-- +goose StatementEnd
