-- What a phone turn has beside its words: when it ended, how much of it was heard, how long each stage took.
alter table {schema}.turns add column ended_at timestamptz, add column heard_ms int,
    add column is_cut boolean not null default false, add column stages jsonb;
-- When a call was last known to be alive: one whose process died is closed by it.
alter table {schema}.calls add column seen_at timestamptz, add column is_doubtful boolean not null default false;
