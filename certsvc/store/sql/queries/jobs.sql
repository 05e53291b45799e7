-- name: enqueue
-- Work to be done; once, however often it is said. A worker that listens is woken when the transaction commits.
insert into job (kind, key, due_at) values ($1, $2, $3) on conflict (kind, key) do nothing

-- name: wake
-- Wake the workers at the commit.
select pg_notify('certsvc_job', $1)

-- name: take
-- The work that is due for longest, of the kinds $1, and that nobody is at, with how often it was begun in vain; it is
-- locked until the transaction ends.
select id, kind, key, failures,
  coalesce((select times from taking where work = 'job/' || job.id), 0) as in_vain
from job
where kind = any($1::text[]) and due_at <= $2
order by due_at, id limit 1
for update skip locked

-- name: done
-- It is done.
delete from job where id = $1

-- name: put_off
-- It went well and is to be done again.
update job set due_at = $2, failures = 0, error = null where id = $1

-- name: failed
-- It failed, for now: when it is tried again, and why.
update job set due_at = $2, failures = failures + 1, error = $3::jsonb where id = $1

-- name: tell_end
-- Tell who waits for it that something became of it.
select pg_notify('certsvc_done', $1)

-- name: error_of
-- Why a job failed the last time; nothing when it did not, or is done.
select error from job where kind = $1 and key = $2
