alter table {schema}.calls add column facts jsonb not null default '[]';
