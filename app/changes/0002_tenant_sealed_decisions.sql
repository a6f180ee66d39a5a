-- What models were told and said is closed with the tenant's key from now on. What stood here in the clear cannot be
-- closed by SQL, and a copy of it is what this ends: older decisions keep their outcome, not their prompts.
alter table {schema}.decisions add column sealed bytea;
alter table {schema}.decisions drop column calls;
alter table {schema}.decisions drop column reasoning;
-- Names of secrets that a person typed into a reply, and so vouches for.
alter table {schema}.outbox add column typed text[] not null default '{}';
