-- +goose Up

-- What a worker found when it last looked at the audit log, for metrics. It proves nothing: that is what checkpoints outside the database are for.
create table audit_checks (
    one        boolean primary key default true check (one),
    checked_at timestamptz not null, -- when a worker last looked, and had written down how the log stands
    number     bigint      not null, -- of the last entry then
    hash       text        not null,
    broken_at  timestamptz           -- since when it is known to be broken; null: it is not known to be
);
