-- Due jobs are looked for tenant by tenant; what a tenant's role sees of them depends on the role alone.
drop index nightdesk.wake_due;
create index wake_due on nightdesk.wake (tenant_id, due_at) where dead_at is null;
drop policy wake_of_tenant on nightdesk.wake;
create policy wake_of_tenant on nightdesk.wake to nightdesk_tenant
    using ('t_' || replace(tenant_id, '-', '_') = current_user)
    with check ('t_' || replace(tenant_id, '-', '_') = current_user);
alter table nightdesk.tenants drop constraint tenants_schema_name_check;
alter table nightdesk.tenants add check (schema_name = 't_' || replace(id, '-', '_'));
do $$ begin
    execute format('revoke temporary on database %I from public', current_database());
exception when insufficient_privilege then null;
end $$;
