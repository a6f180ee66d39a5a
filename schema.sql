-- The database of Nightdesk, in two parts. `app.db` applies each part once, under an advisory lock, and remembers the
-- version; later changes are numbered files in app/changes/. Part one stands once a database, part two once a tenant.
-- {schema} is filled in by app.db alone, from the validated name in the tenant directory.

-- part: shared -----------------------------------------------------------------------------------------------------

create schema if not exists nightdesk;

do $$ begin
    create role nightdesk_tenant nologin;
exception when duplicate_object or unique_violation then null;
end $$;

create table nightdesk.tenants (
    id              text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    name            text not null,
    schema_name     text not null unique,
    dsn             text,                                   -- null: this database
    mode            text not null default 'off' check (mode in ('off', 'draft', 'on')),
    live_since      timestamptz,                            -- nothing older is ever answered by a bot
    settings        jsonb not null default '{}',            -- overrides of config.toml by dotted name
    data_keys       bytea not null,                         -- the tenant's own keys, closed with the process key
    credentials     bytea,                                  -- encrypted: keys of the tenant's own model account
    schema_version  int not null default 0,
    created_at      timestamptz not null,
    constraint tenants_schema_name_check check (schema_name = 't_' || replace(id, '-', '_'))
);

create table nightdesk.pms_accounts (
    id              bigint generated always as identity primary key,
    tenant_id       text not null references nightdesk.tenants on delete cascade,
    kind            text not null,
    external_id     text not null,
    account_key     text not null unique,                   -- stands in the webhook URL
    credentials     bytea not null,                         -- encrypted: client secret, webhook logins (current, next)
    token           bytea,                                  -- encrypted access token
    token_until     timestamptz,
    unique (kind, external_id)
);

create table nightdesk.carrier_accounts (
    id              bigint generated always as identity primary key,
    tenant_id       text not null references nightdesk.tenants on delete cascade,
    kind            text not null,
    external_id     text not null,
    credentials     bytea not null,                         -- encrypted: auth tokens (current, next)
    unique (kind, external_id)
);

create table nightdesk.hotlines (
    number_e164     text primary key,
    tenant_id       text not null references nightdesk.tenants on delete cascade,
    name            text not null,
    language        text not null default 'en',
    settings        jsonb not null default '{}'
);

create table nightdesk.slack_workspaces (
    team_id         text primary key,
    tenant_id       text not null unique references nightdesk.tenants on delete cascade,
    credentials     bytea not null                          -- encrypted: bot token, signing secret
);

-- Links of alerts that were used: a signed link opens once.
create table nightdesk.spent_links (
    id              text primary key,
    spent_at        timestamptz not null
);

create table nightdesk.operators (
    id              bigint generated always as identity primary key,
    tenant_id       text not null references nightdesk.tenants on delete cascade,
    name            text not null,
    email           text,
    phone_e164      text,
    slack_user_id   text,
    unique (tenant_id, name)
);

-- All deferred work. PostgreSQL holds the truth, arq only hurries it.
create table nightdesk.wake (
    tenant_id       text not null references nightdesk.tenants on delete cascade,
    kind            text not null,
    key             text not null,
    generation      bigint not null default 0,
    due_at          timestamptz not null,
    attempts        int not null default 0,
    claimed_until   timestamptz,                            -- a lease: the database's clock
    dead_at         timestamptz,                            -- given up; `nightdesk runs` shows it
    trace_parent    text,
    primary key (tenant_id, kind, key)
);
create index wake_due on nightdesk.wake (tenant_id, due_at) where dead_at is null;

create table nightdesk.job_runs (
    id              bigint generated always as identity primary key,
    tenant_id       text references nightdesk.tenants on delete cascade,
    kind            text not null,
    key             text not null,
    status          text not null check (status in ('running', 'done', 'retried', 'dead')),
    attempt         int not null default 1,
    started_at      timestamptz not null,
    duration_ms     int,
    counts          jsonb not null default '{}',
    error           jsonb,
    trace_id        text
);
create index job_runs_recent on nightdesk.job_runs (tenant_id, started_at desc);

-- Events of one tenant become durable in one round trip. It enters the tenant's own role first, for its transaction.
create function nightdesk.take_in(
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
revoke all on function nightdesk.take_in from public;

grant usage on schema nightdesk to nightdesk_tenant;
grant select, insert, update, delete on nightdesk.wake to nightdesk_tenant;
alter table nightdesk.wake enable row level security;
create policy wake_of_tenant on nightdesk.wake to nightdesk_tenant        -- by the role alone: nothing that can be set
    using ('t_' || replace(tenant_id, '-', '_') = current_user)
    with check ('t_' || replace(tenant_id, '-', '_') = current_user);

-- What a role may make in every database unless it is told not to: it would stay in the connection for the next tenant.
do $$ begin
    execute format('revoke temporary on database %I from public', current_database());
exception when insufficient_privilege then null;
end $$;

-- part: tenant -----------------------------------------------------------------------------------------------------

create table {schema}.listings (
    id              bigint generated always as identity primary key,
    account_id      bigint not null,
    external_id     text not null,
    name            text not null,
    internal_name   text,
    time_zone       text,
    country_code    text,
    city            text,
    check_in_hour   int,
    check_out_hour  int,
    is_archived     boolean not null default false,
    custom_fields   jsonb not null default '{}',            -- empty: closed with the texts
    fields          jsonb not null,                         -- whitelisted numbers; people write codes into any text
    gated           bytea not null,                         -- encrypted: secrets, gated text, every other text
    as_of           timestamptz not null,
    unique (account_id, external_id)
);

create table {schema}.reservations (
    id              bigint generated always as identity primary key,
    account_id      bigint not null,
    external_id     text not null,
    listing_external_id text not null,
    unit_external_id text,
    status          text not null,
    arrival_on      date not null,
    departure_on    date not null,
    are_dates_unspecified boolean not null,
    check_in_hour   int,
    check_out_hour  int,
    guest_name      text,
    guest_locale    text,
    phone_e164      text,
    confirmation_code text,
    channel_id      int,
    is_paid         boolean,
    agreement       text,
    custom_fields   jsonb not null default '{}',
    fields          jsonb not null,                         -- as in listings
    gated           bytea not null,
    updated_at      timestamptz not null,                   -- the PMS's version of the row
    thread_seen_at  timestamptz,                            -- the PMS's activity stamp when its thread was last read
    thread_read_at  timestamptz,                            -- and when that was
    as_of           timestamptz not null,
    unique (account_id, external_id)
);
create index reservations_phone on {schema}.reservations (phone_e164, departure_on) where phone_e164 is not null;
create index reservations_place on {schema}.reservations
    (coalesce(unit_external_id, listing_external_id), departure_on);    -- who sleeps there before and after

-- What the mirror knows besides rows: definitions of custom fields, cursors of scheduled passes.
create table {schema}.pms_state (
    key             text primary key,
    value           jsonb not null,
    as_of           timestamptz not null
);

create table {schema}.inbox (
    id              bigint generated always as identity primary key,
    account_id      bigint not null,
    event           text not null,
    dedupe_key      text not null unique,
    envelope        jsonb not null,                         -- ids and times only
    sealed          bytea,                                  -- encrypted words and gated values; null once handled
    received_at     timestamptz not null,
    handled_at      timestamptz,
    attempts        int not null default 0,
    error           text,
    trace_parent    text
);
create index inbox_open on {schema}.inbox (id) where handled_at is null;

create table {schema}.conversations (
    id              bigint generated always as identity primary key,
    medium          text not null check (medium in ('phone', 'thread')),
    account         text not null,
    external_id     text not null,
    reservation_id  bigint references {schema}.reservations,
    channel_id      int,
    communication_type text,
    language        text,
    opened_at       timestamptz not null,
    unique (medium, account, external_id)
);
create index conversations_reservation on {schema}.conversations (reservation_id);

create table {schema}.decisions (
    id              bigint generated always as identity primary key,
    conversation_id bigint not null references {schema}.conversations on delete cascade,
    generation      bigint not null,
    library_version int not null,
    bot             text,
    action_code     text,
    score           double precision,
    covers_all      boolean,
    outcome         text not null,                          -- reply | draft | person | silence
    origin          text not null,                          -- facts | template | bot | urgent | rule
    because         text not null,
    language        text not null,
    question        text not null,
    answer          text,
    stay            jsonb,
    sealed          bytea,                                  -- encrypted: model calls (prompt, parameters, raw output, times), reasoning
    trace_id        text,
    decided_at      timestamptz not null
);
create index decisions_conversation on {schema}.decisions (conversation_id, id);

create table {schema}.turns (
    id              bigint generated always as identity primary key,
    conversation_id bigint not null references {schema}.conversations on delete cascade,
    external_id     text,
    speaker         text not null check (speaker in ('guest', 'bot', 'operator', 'automation')),
    text            text not null,                          -- secrets stand as placeholders
    heard           text,                                   -- on the phone: as it sounded, both sides'
    said_at         timestamptz not null,                   -- on the phone: when the voice began
    decision_id     bigint references {schema}.decisions on delete set null,
    ended_at        timestamptz,                            -- on the phone: when the voice ended
    heard_ms        int,                                    -- so much of our speech reached the caller
    is_cut          boolean not null default false,         -- the other side spoke before it was whole
    stages          jsonb,                                  -- stage -> ms after the caller fell silent
    unique (conversation_id, external_id)
);
create index turns_order on {schema}.turns (conversation_id, said_at, id);
create index turns_said on {schema}.turns (said_at);

create table {schema}.messages (
    conversation_id bigint not null references {schema}.conversations on delete cascade,
    external_id     text not null,
    is_incoming     boolean not null,
    is_automation   boolean not null,
    communication_type text,
    status          text,
    attachments     int not null default 0,
    digest          bytea,                                  -- keyed digest of the normalised words
    sent_at         timestamptz not null,
    primary key (conversation_id, external_id)
);
create index messages_digest on {schema}.messages (digest) where not is_incoming;

create table {schema}.calls (
    conversation_id bigint primary key references {schema}.conversations on delete cascade,
    call_sid        text not null unique,
    hotline_e164    text not null,
    caller_e164     text,                                   -- null: withheld, or no telephone number
    assurance       int not null default 0,                 -- how sure we are of who calls: 0, 1, 2
    disclosed_at    timestamptz,                            -- when the caller had heard that an AI speaks
    started_at      timestamptz not null,
    ended_at        timestamptz,
    because         text,                                   -- how it ended, in plain words
    seen_at         timestamptz,                            -- when it was last known to be alive
    is_doubtful     boolean not null default false,         -- the carrier does not vouch for the caller's number
    facts           jsonb not null default '[]'             -- how that became known: each fact told, right or wrong, without its value
);
create index calls_started on {schema}.calls (started_at);

create table {schema}.handling (
    conversation_id bigint primary key references {schema}.conversations on delete cascade,
    mode            text not null default 'bot' check (mode in ('bot', 'human')),
    epoch           bigint not null default 0,
    reason          text,
    until           timestamptz,
    changed_at      timestamptz not null
);

create table {schema}.threads (
    conversation_id bigint primary key references {schema}.conversations on delete cascade,
    generation      bigint not null default 0,
    first_pending_at timestamptz,
    due_at          timestamptz,
    answered_generation bigint not null default 0,
    answered_through bigint not null default 0,             -- the newest turn that a decision has covered
    is_disclosed    boolean not null default false,
    refuses_robot   boolean not null default false
);

create table {schema}.outbox (
    id              bigint generated always as identity primary key,
    conversation_id bigint not null references {schema}.conversations on delete cascade,
    generation      bigint not null,
    origin          text not null check (origin in ('bot', 'holding', 'operator')),
    epoch           bigint not null,                        -- of the handling it was written under
    text            text not null,                          -- with placeholders
    communication_type text,
    status          text not null check (status in ('draft', 'queued', 'sending', 'ambiguous', 'sent', 'dropped', 'failed')),
    because         text,
    attempts        int not null default 0,                 -- requests made to the PMS
    checks          int not null default 0,                 -- looks for it in the thread after an unclear outcome
    answered_before bigint not null default 0,              -- how far the thread was answered before it: taken back if dropped
    decision_id     bigint references {schema}.decisions on delete set null,
    operator        text,
    typed           text[] not null default '{}',           -- names of secrets that a person typed, and so vouches for
    external_id     text,                                   -- the PMS's id once sent
    created_at      timestamptz not null,
    tried_at        timestamptz,                            -- first handed to the PMS
    sent_at         timestamptz,
    instead_of      bigint references {schema}.outbox on delete set null    -- the one a channel refused
);
create unique index outbox_once on {schema}.outbox (conversation_id, generation)
    where origin <> 'operator' and instead_of is null;
create unique index outbox_one_other_way on {schema}.outbox (instead_of);
create index outbox_open on {schema}.outbox (status) where status in ('queued', 'sending', 'ambiguous');

create table {schema}.cases (
    id              bigint generated always as identity primary key,
    conversation_id bigint not null references {schema}.conversations on delete cascade,
    reservation_id  bigint references {schema}.reservations,
    severity        text not null check (severity in ('low', 'normal', 'high', 'critical')),
    state           text not null default 'open' check (state in ('open', 'acknowledged', 'resolved')),
    trigger_text    text not null,
    brief           text not null default '',
    assignee        text,
    history         jsonb not null default '[]',            -- every change: what, who, when, by which route
    opened_at       timestamptz not null,
    alerted_at      timestamptz,
    resolved_at     timestamptz,
    slack_channel   text,
    slack_ts        text,
    told            int not null default 0                  -- entries of the history that Slack has heard of
);
create unique index cases_one_a_stay on {schema}.cases (reservation_id) where state <> 'resolved';
create unique index cases_one_a_stranger on {schema}.cases (conversation_id) where state <> 'resolved' and reservation_id is null;

create table {schema}.libraries (
    version         int primary key,
    content         jsonb not null,                         -- bots, action codes, templates: published as a whole
    published_at    timestamptz not null,
    published_by    text not null
);
