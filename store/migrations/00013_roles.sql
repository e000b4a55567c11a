-- An event about a role is told to those who have an open run about an application for it.

-- +goose Up
create index applications_by_role on applications (role, candidate_id) where role <> '';

-- +goose Down
drop index applications_by_role;
