-- +goose Up

-- Whether no run of the same policy, as it was written then, was done before: it asks before it does much.
alter table retention_runs add column first boolean not null default false;
create index retention_runs_done on retention_runs (policy, hash) where state = 'done';
