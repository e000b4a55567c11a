-- +goose Up

-- The meetings of interviews. Body is crm.Meeting without what other columns and the run say. It is read and written whole,
-- under the lock of the run's candidate.
create table meetings (
    id            text primary key check (id <> ''),
    enrollment_id text        not null references enrollments on delete cascade,
    round         text        not null,
    n             integer     not null,
    state         text        not null,
    starts_at     timestamptz,
    ends_at       timestamptz,
    body          jsonb       not null,
    unique (enrollment_id, round, n)
) with (fillfactor = 85);
create index meetings_ahead on meetings (starts_at) where state in ('held', 'booked');

-- Who holds them. Nobody holds two at once: during is null where somebody no longer does, or only shadows. (Two ranges of one
-- number each are equal when the numbers are, for which an index needs no extension.)
-- Written is the sequence of the event in the person's calendar, null when there is none; wanted is what it should be.
create table meeting_seats (
    meeting_id     text not null references meetings on delete cascade,
    interviewer_id text not null references interviewers,
    shadow         boolean not null,
    during         tstzmultirange,
    wanted         integer,
    written        integer,
    primary key (meeting_id, interviewer_id),
    constraint nobody_twice exclude using gist (
        int8range(hashtextextended(interviewer_id, 0) >> 1, hashtextextended(interviewer_id, 0) >> 1, '[]') with =,
        during with &&)
);
create index meeting_seats_of on meeting_seats (interviewer_id);
create index meeting_seats_behind on meeting_seats (meeting_id) where written is distinct from wanted;

alter table messages
    add column recipient  text not null default '', -- an interviewer's id; '': the candidate
    add column meeting_id text not null default '',
    add column calendar   text not null default ''; -- the method of an invitation

alter table applications add column hiring_manager text not null default '';
