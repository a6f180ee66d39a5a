-- Due jobs are looked for tenant by tenant; what a tenant's role sees of them depends on the role alone.
drop index nightdesk.wake_due;
create index wake_due on nightdesk.wake (tenant_id, due_at) where dead_at is null;
drop policy wake_of_tenant on nightdesk.wake;
create policy wake_of_tenant on nightdesk.wake to nightdesk_tenant
    using ('t_' || replace(tenant_id, '-', '_') = current_user)
    with check ('t_' || replace(tenant_id, '-', '_') = current_user);
alter table nightdesk.tenants drop constraint tenants_schema_name_check;
alter table nightdesk.tenants add constraint tenants_schema_name_check
    check (schema_name = 't_' || replace(id, '-', '_'));
do $$ begin
    execute format('revoke temporary on database %I from public', current_database());
exception when insufficient_privilege then null;
end $$;
create or replace function nightdesk.take_in(
    place text, tenant text, account_ids bigint[], kinds text[], dedupe_keys text[], envelopes text[], sealed bytea[],
    received_at timestamptz[], trace_parents text[]
) returns setof text language plpgsql as $$ begin
    perform set_config('role', place, true);
    return query execute format(
        'insert into %I.inbox (account_id, event, dedupe_key, envelope, sealed, received_at, trace_parent)
         select account_id, kind, dedupe_key, envelope::jsonb, sealed, received_at, trace_parent
         from unnest($1, $2, $3, $4, $5, $6, $7) with ordinality as
             e (account_id, kind, dedupe_key, envelope, sealed, received_at, trace_parent, position)
         order by position
         on conflict (dedupe_key) do nothing returning dedupe_key', place)
    using account_ids, kinds, dedupe_keys, envelopes, sealed, received_at, trace_parents;
end $$;
