-- When a reply was first handed to the PMS: its copy in the thread is ours from then on, and not before.
alter table {schema}.outbox add column tried_at timestamptz;
update {schema}.outbox set tried_at = created_at where attempts > 0;
-- A reply that a channel refused may be sent once more, another way.
alter table {schema}.outbox add column instead_of bigint references {schema}.outbox on delete set null;
drop index {schema}.outbox_once;
create unique index outbox_once on {schema}.outbox (conversation_id, generation)
    where origin <> 'operator' and instead_of is null;
create unique index outbox_one_other_way on {schema}.outbox (instead_of);
