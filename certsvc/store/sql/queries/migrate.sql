-- name: try_lock
-- One migrates at a time. Polled: a session that waits in pg_advisory_lock() holds a snapshot, for which the other's
-- CREATE INDEX CONCURRENTLY would wait in turn.
select pg_try_advisory_lock(5260427113)

-- name: unlock
-- Let the next one migrate.
select pg_advisory_unlock(5260427113)

-- name: create_history
-- The migrations' own table.
create table if not exists schema_migration (
  version integer primary key,
  name text not null,
  sha256 bytea not null,
  applied_at timestamptz not null default now()
)

-- name: history
-- What was applied to this database.
select version, name, sha256 from schema_migration order by version

-- name: record
-- One more was applied.
insert into schema_migration (version, name, sha256) values ($1, $2, $3)
