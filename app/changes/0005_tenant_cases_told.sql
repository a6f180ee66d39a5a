-- How much of a case's history Slack has heard of: a process that ends before it tells is found out.
alter table {schema}.cases add column told int not null default 0;
update {schema}.cases set told = jsonb_array_length(history) where alerted_at is not null;
