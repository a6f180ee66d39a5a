-- When a reply was first handed to the PMS: its copy in the thread is ours from then on, and not before.
alter table {schema}.outbox add column tried_at timestamptz;
update {schema}.outbox set tried_at = created_at where attempts > 0;
