-- +goose Up

-- The planner keeps samples of values (pg_statistic), and of a table that has become empty it keeps the last ones for ever. So it samples no
-- column that says something of a candidate, but for the ids of events, which it needs. The others are not searched, or by an index that is
-- unique. Samples that it has already go where the role that migrates may do that: else with the next vacuum after an erasure.
alter table candidates
    alter external_id set statistics 0, alter first_name set statistics 0, alter last_name set statistics 0, alter email set statistics 0,
    alter phone set statistics 0, alter country set statistics 0, alter region set statistics 0, alter city set statistics 0,
    alter time_zone set statistics 0, alter locale set statistics 0, alter status set statistics 0, alter source set statistics 0,
    alter owner set statistics 0, alter seniority set statistics 0, alter functions set statistics 0, alter skills set statistics 0,
    alter tags set statistics 0, alter attributes set statistics 0;
alter table contact_points alter address set statistics 0;
alter table consents alter source set statistics 0, alter wording set statistics 0, alter confirmed_by set statistics 0;
alter table applications
    alter external_id set statistics 0, alter role set statistics 0, alter role_function set statistics 0, alter stage set statistics 0,
    alter reason set statistics 0, alter source set statistics 0, alter hiring_manager set statistics 0;
alter table events alter subject set statistics 0, alter data set statistics 0, alter set_aside set statistics 0;
alter table enrollments alter progress set statistics 0;
alter table decisions alter command set statistics 0, alter notes set statistics 0, alter call set statistics 0;
alter table calls alter reason set statistics 0, alter result set statistics 0;
alter table messages
    alter address set statistics 0, alter subject set statistics 0, alter sender set statistics 0, alter body_hash set statistics 0,
    alter appointment set statistics 0;
alter index messages_by_address alter column 1 set statistics 0;
alter table message_evidence alter said_by set statistics 0, alter note set statistics 0;
alter table tasks
    alter title set statistics 0, alter assignee set statistics 0, alter outcome set statistics 0, alter note set statistics 0, alter closed_by set statistics 0;
alter table notes
    alter text set statistics 0, alter author set statistics 0, alter source set statistics 0, alter external_id set statistics 0;
alter table meetings alter body set statistics 0;
alter table aliases alter name set statistics 0;
alter table legal_holds
    alter why set statistics 0, alter said_by set statistics 0, alter lifted_by set statistics 0, alter role set statistics 0, alter condition set statistics 0;
alter table privacy_requests
    alter wish set statistics 0, alter source set statistics 0, alter said_by set statistics 0, alter verified_by set statistics 0,
    alter extended_why set statistics 0, alter closed_by set statistics 0, alter answer set statistics 0;
alter table audit_openings alter value set statistics 0, alter salt set statistics 0;
alter table suppressions alter push set statistics 0, alter source set statistics 0;
alter table erasure_jobs alter sealed set statistics 0;

-- +goose StatementBegin
do $$
begin
    delete from pg_statistic s using pg_attribute a
        where a.attrelid = s.starelid and a.attnum = s.staattnum and a.attstattarget = 0 and a.attrelid in (
            select oid from pg_class where relnamespace = 'public'::regnamespace);
exception when insufficient_privilege then
    null;
end
$$;
-- +goose StatementEnd

-- Who is anonymized is counted by the function of the roles that they applied for, if enough others applied for such.
create index applications_by_function on applications (role_function, candidate_id) where role_function <> '';
