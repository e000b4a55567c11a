-- +goose Up

-- What was agreed when a message about a meeting was planned: crm.Appointment.
alter table messages add column appointment jsonb;

-- The language of mail to an interviewer, and where they hold video interviews.
alter table interviewers
    add column locale      text not null default '',
    add column meeting_url text not null default '';
