-- +goose Up

-- What stands against a deletion that a candidate has asked for, and when it is looked at again whether it still does. Told is when the
-- mail was asked for that tells the candidate of their deletion, which goes before it.
alter table privacy_requests
    add column kept_until timestamptz,
    add column kept_by    text not null default '',
    add column again_at   timestamptz,
    add column told_at    timestamptz;
alter table privacy_requests alter kept_by set statistics 0;
create index privacy_requests_again on privacy_requests (again_at) where again_at is not null;
