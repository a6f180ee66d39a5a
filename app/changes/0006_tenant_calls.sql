create table {schema}.calls (
    conversation_id bigint primary key references {schema}.conversations on delete cascade,
    call_sid        text not null unique,
    hotline_e164    text not null,
    caller_e164     text,
    assurance       int not null default 0,
    disclosed_at    timestamptz,
    started_at      timestamptz not null,
    ended_at        timestamptz,
    because         text
);
create index calls_started on {schema}.calls (started_at);
