-- Events of one tenant become durable in one round trip, as that tenant's own role.
create function nightdesk.take_in(
    place text, tenant text, account_ids bigint[], kinds text[], dedupe_keys text[], envelopes text[], sealed bytea[],
    received_at timestamptz[], trace_parents text[]
) returns setof text language plpgsql as $$ begin
    perform set_config('role', place, true), set_config('nightdesk.tenant', tenant, true);
    return query execute format(
        'insert into %I.inbox (account_id, event, dedupe_key, envelope, sealed, received_at, trace_parent)
         select account_id, kind, dedupe_key, envelope::jsonb, sealed, received_at, trace_parent
         from unnest($1, $2, $3, $4, $5, $6, $7) with ordinality as
             e (account_id, kind, dedupe_key, envelope, sealed, received_at, trace_parent, position)
         order by position
         on conflict (dedupe_key) do nothing returning dedupe_key', place)
    using account_ids, kinds, dedupe_keys, envelopes, sealed, received_at, trace_parents;
end $$;
revoke all on function nightdesk.take_in from public;
