-- +goose Up

-- A candidate can want nothing but transactional mail for a while.
alter table candidates add column paused_until timestamptz;

-- What proves a consent: whether it still has to be confirmed, when and by which message it was, and which address it was for,
-- under the key of suppressions, so that the address itself can be forgotten.
alter table consents
    add column pending      boolean not null default false,
    add column confirmed_at timestamptz,
    add column confirmed_by text not null default '',
    add column address_hash bytea;

-- The providers keep lists of their own. Push is the address of a suppression that the provider is yet to be told of; it is
-- forgotten once it was. Of an opt-out the address is that of whoever has it, so push stays empty.
alter table suppressions
    add column push      text not null default '',
    add column pushed_at timestamptz;
create index suppressions_unpushed on suppressions (at, address_hash) where pushed_at is null and channel = 'email';
create index suppressions_by_time on suppressions (at desc, address_hash desc, reason desc);

-- How far a provider's list was read: entries up to read_to are known. While those up to reading_to are read, page by page, so many
-- of them are known as pages_to says.
create table suppression_lists (
    provider   text        not null,
    list       text        not null,
    read_to    timestamptz,
    synced_at  timestamptz,
    found      bigint      not null default 0,
    reading_to timestamptz,
    pages_to   int         not null default 0,
    primary key (provider, list)
);
