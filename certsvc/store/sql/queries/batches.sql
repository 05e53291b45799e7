-- name: insert_batch
-- A batch begins to be received; no row when the client's key is taken.
insert into batch (id, client, key, act, type_id, scopes, form, on_wrong, dry_run, sample, needed, began_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (client, key) do nothing returning number

-- name: find_batch
-- The batch of a client's key.
select id from batch where client = $1 and key = $2

-- name: batch
-- A batch as it stands.
select b.*, c.received, c.wrong, c.ready, c.done, c.failed, c.cancelled,
  array(select person::text from batch_approval a where a.batch = b.number order by a.at, a.person) as approved_by
from batch b join batch_count c on c.batch = b.number
where b.id = $1

-- name: batches
-- Batches that $1 sent, or that are of a type $2 that $1 may approve and wait for it; newest first, after $3.
select b.*, c.received, c.wrong, c.ready, c.done, c.failed, c.cancelled,
  array(select person::text from batch_approval a where a.batch = b.number order by a.at, a.person) as approved_by
from batch b join batch_count c on c.batch = b.number
where (b.client = $1 or (b.state = 'awaiting_approval' and b.type_id = any($2::text[])))
  and b.state <> 'abandoned' and ($3::integer is null or b.number < $3)
order by b.number desc limit $4

-- name: insert_rows
-- Rows as they were read.
insert into batch_row (batch, line, key, state, sealed, data_key_id, error_code, sealed_error, error_key_id)
select $1, line, key, case when error_code is null then 'received' else 'wrong' end, sealed,
  case when sealed is not null then $7 end, error_code, sealed_error, case when error_code is not null then $7 end
from unnest($2::integer[], $3::text[], $4::bytea[], $5::text[], $6::bytea[])
  as row (line, key, sealed, error_code, sealed_error)

-- name: move
-- A batch goes on to its next state.
insert into batch_event (batch, move, by, at, sha256, size) values ($1, $2, $3, $4, $5, $6) returning state

-- name: events
-- How a batch went on.
select move, state, by, at from batch_event where batch = $1 order by id

-- name: insert_approval
-- A person approves a batch; twice is once.
insert into batch_approval (batch, person, at) values ($1, $2, $3) on conflict do nothing returning person

-- name: count_approvals
-- How many persons have approved a batch.
select count(*) from batch_approval where batch = $1

-- name: newest_move
-- How a batch went on last, after waiting for whoever moves it now.
select e.move from batch b left join lateral (
  select move from batch_event e where e.batch = b.number order by e.id desc limit 1) e on true
where b.number = $1 for no key update of b

-- name: rows
-- Rows of a batch in a state (null: in any), in their order after a line, with what became of them.
select r.line, r.key, r.state, r.ref, r.number, r.event_id, r.tries, r.due_at, r.error_code, r.sealed_error,
  r.error_key_id, c.identifier,
  case when $5 then array(select d.layout::text from document d where d.slot = r.slot and d.ref = r.ref order by d.layout)
    end as layouts,
  case when $5 then array(select d.sha256::bytea from document d where d.slot = r.slot and d.ref = r.ref order by d.layout)
    end as digests
from batch_row r left join certificate c on c.slot = r.slot and c.ref = r.ref
where r.batch = $1 and r.line > $2 and ($3::text is null or r.state = $3)
order by r.line limit $4

-- name: ended_lately
-- How many rows were ended since $2.
select count(*) from batch_row where batch = $1 and ended_at > $2

-- name: take_received
-- Rows that are to be checked and that nobody is at; with how often each was begun in vain, and the line on which the
-- same key came first.
select r.line, r.key, r.sealed, r.data_key_id, r.tries,
  coalesce((select times from taking where work = 'row/' || r.batch || '/' || r.line), 0) as in_vain,
  (select min(o.line) from batch_row o where o.batch = r.batch and o.key = r.key and o.line < r.line) as twice
from batch_row r
where r.batch = $1 and r.state = 'received'
order by r.line limit $2
for update of r skip locked

-- name: set_checked
-- What the check of rows said: those without an error are ready. What a wrong row asked for is not kept.
update batch_row r set
  state = case when c.error_code is null then 'ready' else 'wrong' end,
  error_code = c.error_code,
  sealed_error = c.sealed_error,
  error_key_id = case when c.error_code is not null then $5 end,
  sealed = case when c.error_code is null then r.sealed end,
  data_key_id = case when c.error_code is null then r.data_key_id end
from unnest($2::integer[], $3::text[], $4::bytea[]) as c (line, error_code, sealed_error)
where r.batch = $1 and r.line = c.line

-- name: running
-- The batches that have rows to be done, after number $1 first, around to it.
select b.number, b.id, b.client, b.act, b.type_id, b.scopes,
  array(select person::text from batch_approval a where a.batch = b.number order by a.at, a.person) as approved_by
from batch b join batch_count c on c.batch = b.number
where not b.closed and b.state = 'running' and c.ready > 0
order by (b.number <= $1), b.number

-- name: take_ready
-- A row after line $2 that is to be done, is due at $3, and that nobody is at, with how often it was begun in vain; it is
-- ours until the transaction ends.
select line, key, sealed, data_key_id, tries,
  coalesce((select times from taking where work = 'row/' || batch || '/' || line), 0) as in_vain
from batch_row
where batch = $1 and state = 'ready' and line > $2 and (due_at is null or due_at <= $3)
order by line limit 1
for update skip locked

-- name: still_running
-- Whether a batch is still to go on.
select state = 'running' from batch where number = $1

-- name: set_done
-- A row is done. What it asked for stands in the certificate and is not kept twice.
update batch_row set state = 'done', slot = $3, ref = $4, number = $5, event_id = $6, ended_at = $7, sealed = null,
  data_key_id = null, error_code = null, sealed_error = null, error_key_id = null, due_at = null
where batch = $1 and line = $2

-- name: set_failed
-- A row could not be done, for good.
update batch_row set state = 'failed', error_code = $3, sealed_error = $4, error_key_id = $5, ended_at = $6,
  due_at = null, tries = tries + 1
where batch = $1 and line = $2

-- name: put_off
-- A row could not be done for now.
update batch_row set due_at = $3, error_code = $4, sealed_error = $5, error_key_id = $6, tries = tries + 1
where batch = $1 and line = $2

-- name: retry_after
-- The line after which the failed rows of a running batch are to be put back; nobody else puts some back meanwhile.
select retry_after from batch where number = $1 and state = 'running' for no key update

-- name: put_back
-- Some failed rows after line $2, whose content is still kept, are to be tried again: how many, and the last of them.
with put_back as (
  update batch_row set state = 'ready', tries = 0, ended_at = null
  where (batch, line) in (
    select batch, line from batch_row where batch = $1 and state = 'failed' and line > $2 and sealed is not null
    order by line limit $3)
  returning line)
select count(*) as rows, max(line) as last from put_back

-- name: set_retry_after
-- The line after which the failed rows are to be put back; null: all are.
update batch set retry_after = $2 where number = $1

-- name: has_failed
-- Whether a failed row can be tried again.
select exists (select from batch_row where batch = $1 and state = 'failed' and sealed is not null)

-- name: open
-- Every batch for which something is to be done beside its rows: uploads begun before $1, failed rows of before $2, what
-- stands still since before $3.
select b.number, b.id, b.client, b.type_id, b.act, b.scopes, b.sample, b.state, b.on_wrong, b.dry_run, b.needed, b.manifest, b.retry_after,
  c.received + c.wrong + c.ready + c.done + c.failed + c.cancelled as rows, c.received, c.wrong, c.ready, c.failed
from batch b join batch_count c on c.batch = b.number
where not b.closed and case b.state
  when 'receiving' then b.began_at < $1
  when 'running' then c.ready = 0 or b.retry_after is not null
  when 'finished' then (select max(e.at) from batch_event e where e.batch = b.number) < $2
  when 'awaiting_approval' then (select max(e.at) from batch_event e where e.batch = b.number) < $3
  when 'paused' then (select max(e.at) from batch_event e where e.batch = b.number) < $3
  else b.state in ('abandoned', 'checking', 'checked', 'refused', 'cancelled') end
order by b.number

-- name: try_lock
-- One at a time brings a batch to its end; held until the transaction ends.
select pg_try_advisory_xact_lock(1112818792, $1)

-- name: cancel_rows
-- Some rows of a cancelled batch that nobody is at are not done any more, and what they asked for is not kept.
update batch_row set state = 'cancelled', sealed = null, data_key_id = null, due_at = null
where (batch, line) in (
  select batch, line from batch_row where batch = $1 and state in ('received', 'ready')
  order by line limit $2 for update skip locked)

-- name: forget_rows
-- What some rows asked for is not kept any more.
update batch_row set sealed = null, data_key_id = null
where (batch, line) in (select batch, line from batch_row where batch = $1 and sealed is not null limit $2)

-- name: close
-- Nothing is left to be done for a batch.
update batch set closed = true where number = $1

-- name: forget_beginnings
-- Rows that were begun in vain and then cancelled are not begun again.
delete from taking where starts_with(work, 'row/' || $1::integer || '/')

-- name: set_manifest
-- The manifest of a batch.
update batch set manifest = $2 where number = $1

-- name: sweep_rows
-- Some rows of an upload that broke off go.
delete from batch_row where (batch, line) in (select batch, line from batch_row where batch = $1 limit $2)

-- name: sweep_count
-- An upload that broke off goes: its counts.
delete from batch_count where batch = $1

-- name: sweep_events
-- An upload that broke off goes: how it went on.
delete from batch_event where batch = $1

-- name: sweep_batch
-- An upload that broke off goes.
delete from batch where number = $1
