-- name: next_certificate
-- Contents under other keys than $2, after $1 (null: from the beginning); not what is lost.
select encode(ref, 'hex') as place, ref as context, sealed_payload as sealed, payload_key_id as key_id
from certificate
where ($1::text is null or (slot, ref) > (slot_of(decode($1, 'hex')), decode($1, 'hex')::ref_bytes))
  and payload_key_id <> $2 and payload_key_id not in (select id from data_key where ended_why = 'lost')
order by slot, ref limit $3

-- name: again_certificate
-- The same content under another key, unless somebody was faster.
update certificate set sealed_payload = $3, payload_key_id = $4
where slot = slot_of(decode($1, 'hex')) and ref = decode($1, 'hex') and payload_key_id = $2

-- name: next_approval
-- Requests that wait for persons, or did, and were not erased.
select id as place, convert_to(id, 'UTF8') as context, sealed_request as sealed, payload_key_id as key_id
from approval
where ($1::text is null or id > $1) and sealed_request <> ''
  and payload_key_id <> $2 and payload_key_id not in (select id from data_key where ended_why = 'lost')
order by id limit $3

-- name: again_approval
-- See again_certificate.
update approval set sealed_request = $3, payload_key_id = $4 where id = $1 and payload_key_id = $2

-- name: next_batch_row
-- What rows of batches ask for.
select row.batch || '/' || row.line as place, convert_to(batch.id || '/' || row.line, 'UTF8') as context, row.sealed,
  row.data_key_id as key_id
from batch_row row join batch on batch.number = row.batch
where ($1::text is null or (row.batch, row.line) > (split_part($1, '/', 1)::integer, split_part($1, '/', 2)::integer))
  and row.data_key_id <> $2 and row.data_key_id not in (select id from data_key where ended_why = 'lost')
order by row.batch, row.line limit $3

-- name: again_batch_row
-- See again_certificate.
update batch_row set sealed = $3, data_key_id = $4
where batch = split_part($1, '/', 1)::integer and line = split_part($1, '/', 2)::integer and data_key_id = $2

-- name: next_batch_error
-- Why rows of batches were refused.
select row.batch || '/' || row.line as place, convert_to(batch.id || '/' || row.line || '/error', 'UTF8') as context,
  row.sealed_error as sealed, row.error_key_id as key_id
from batch_row row join batch on batch.number = row.batch
where ($1::text is null or (row.batch, row.line) > (split_part($1, '/', 1)::integer, split_part($1, '/', 2)::integer))
  and row.error_key_id <> $2 and row.error_key_id not in (select id from data_key where ended_why = 'lost')
order by row.batch, row.line limit $3

-- name: again_batch_error
-- See again_certificate.
update batch_row set sealed_error = $3, error_key_id = $4
where batch = split_part($1, '/', 1)::integer and line = split_part($1, '/', 2)::integer and error_key_id = $2

-- name: next_case_content
-- What applicants answered, and what departments set of their parts.
select encode(ref, 'hex') || '/' || id as place, ref as context, sealed, key_id
from case_content
where ($1::text is null or (slot, ref, id) > (slot_of(decode(split_part($1, '/', 1), 'hex')),
    decode(split_part($1, '/', 1), 'hex')::ref_bytes, split_part($1, '/', 2)::bigint))
  and key_id <> $2 and key_id not in (select id from data_key where ended_why = 'lost')
order by slot, ref, id limit $3

-- name: again_case_content
-- See again_certificate.
update case_content set sealed = $3, key_id = $4
where slot = slot_of(decode(split_part($1, '/', 1), 'hex')) and ref = decode(split_part($1, '/', 1), 'hex')
  and id = split_part($1, '/', 2)::bigint and key_id = $2

-- name: next_webhook
-- The secrets that web-hooks are signed with.
select id as place, convert_to('webhook ' || id, 'UTF8') as context, sealed_secret as sealed, secret_key_id as key_id
from webhook
where ($1::text is null or id > $1)
  and secret_key_id <> $2 and secret_key_id not in (select id from data_key where ended_why = 'lost')
order by id limit $3

-- name: again_webhook
-- See again_certificate.
update webhook set sealed_secret = $3, secret_key_id = $4 where id = $1 and secret_key_id = $2

-- name: next_old_webhook
-- Those that are still good for a while after the next was made.
select id as place, convert_to('webhook ' || id, 'UTF8') as context, old_sealed_secret as sealed,
  old_secret_key_id as key_id
from webhook
where ($1::text is null or id > $1)
  and old_secret_key_id <> $2 and old_secret_key_id not in (select id from data_key where ended_why = 'lost')
order by id limit $3

-- name: again_old_webhook
-- See again_certificate.
update webhook set old_sealed_secret = $3, old_secret_key_id = $4 where id = $1 and old_secret_key_id = $2

-- name: next_full_view
-- The hashes of what opens proofs.
select encode(ref, 'hex') as place, ref || convert_to(' full view', 'UTF8') as context, sealed_digest as sealed, key_id
from full_view
where ($1::text is null or (slot, ref) > (slot_of(decode($1, 'hex')), decode($1, 'hex')::ref_bytes))
  and key_id <> $2 and key_id not in (select id from data_key where ended_why = 'lost')
order by slot, ref limit $3

-- name: again_full_view
-- See again_certificate.
update full_view set sealed_digest = $3, key_id = $4
where slot = slot_of(decode($1, 'hex')) and ref = decode($1, 'hex') and key_id = $2

-- name: next_problem_report
-- What strangers say is wrong, and how to reach them.
select number as place, convert_to('report ' || number, 'UTF8') as context, sealed, key_id
from problem_report
where ($1::text is null or number > $1)
  and key_id <> $2 and key_id not in (select id from data_key where ended_why = 'lost')
order by number limit $3

-- name: again_problem_report
-- See again_certificate.
update problem_report set sealed = $3, key_id = $4 where number = $1 and key_id = $2

-- name: next_follower
-- The addresses of those who follow a licence by mail.
select id as place, convert_to('follower ' || id, 'UTF8') as context, sealed, key_id from follower
where ($1::text is null or id > $1)
  and key_id <> $2 and key_id not in (select id from data_key where ended_why = 'lost')
order by id limit $3

-- name: again_follower
-- See again_certificate.
update follower set sealed = $3, key_id = $4 where id = $1 and key_id = $2

-- name: next_account_totp
-- The secrets of one-time codes.
select id as place, convert_to('totp ' || account, 'UTF8') as context, sealed, key_id from account_totp
where ($1::text is null or id > $1)
  and key_id <> $2 and key_id not in (select id from data_key where ended_why = 'lost')
order by id limit $3

-- name: again_account_totp
-- See again_certificate.
update account_totp set sealed = $3, key_id = $4 where id = $1 and key_id = $2

-- name: next_proof_request
-- What residents ask villages for.
select id as place, convert_to('proof request ' || id, 'UTF8') as context, sealed, key_id from proof_request
where ($1::text is null or id > $1)
  and key_id <> $2 and key_id not in (select id from data_key where ended_why = 'lost')
order by id limit $3

-- name: again_proof_request
-- See again_certificate.
update proof_request set sealed = $3, key_id = $4 where id = $1 and key_id = $2

-- name: next_proof_evidence
-- What evidence of requests is called.
select id as place, convert_to('proof evidence ' || request_id || ' ' || id || ' name', 'UTF8') as context, sealed, key_id
from proof_evidence
where ($1::text is null or id > $1)
  and key_id <> $2 and key_id not in (select id from data_key where ended_why = 'lost')
order by id limit $3

-- name: again_proof_evidence
-- See again_certificate.
update proof_evidence set sealed = $3, key_id = $4 where id = $1 and key_id = $2

-- name: next_proof_evidence_page
-- Its pictures, a few at a time: each may have a megabyte.
select p.evidence || '/' || to_char(p.page, 'FM00') as place,
  convert_to('proof evidence ' || e.request_id || ' ' || e.id || ' ' || p.page, 'UTF8') as context, p.sealed, p.key_id
from proof_evidence_page p join proof_evidence e on e.id = p.evidence
where ($1::text is null or (p.evidence, to_char(p.page, 'FM00')) > (split_part($1, '/', 1), split_part($1, '/', 2)))
  and p.key_id <> $2 and p.key_id not in (select id from data_key where ended_why = 'lost')
order by p.evidence, p.page limit least($3, 20)

-- name: again_proof_evidence_page
-- See again_certificate.
update proof_evidence_page set sealed = $3, key_id = $4
where evidence = split_part($1, '/', 1) and to_char(page, 'FM00') = split_part($1, '/', 2) and key_id = $2

-- name: uses
-- How many contents are encrypted under each key.
select key_id as id, sum(uses)::bigint as uses from (
  select payload_key_id as key_id, count(*) as uses from certificate group by payload_key_id
  union all select payload_key_id, count(*) from approval where sealed_request <> '' group by payload_key_id
  union all select data_key_id, count(*) from batch_row where data_key_id is not null group by data_key_id
  union all select error_key_id, count(*) from batch_row where error_key_id is not null group by error_key_id
  union all select key_id, count(*) from case_content group by key_id
  union all select key_id, count(*) from full_view group by key_id
  union all select key_id, count(*) from problem_report where key_id is not null group by key_id
  union all select secret_key_id, count(*) from webhook where secret_key_id is not null group by secret_key_id
  union all select key_id, count(*) from follower where key_id is not null group by key_id
  union all select key_id, count(*) from account_totp group by key_id
  union all select key_id, count(*) from proof_request where key_id is not null group by key_id
  union all select key_id, count(*) from proof_evidence where key_id is not null group by key_id
  union all select key_id, count(*) from proof_evidence_page group by key_id
  union all select old_secret_key_id, count(*) from webhook where old_secret_key_id is not null
    group by old_secret_key_id) each
group by key_id order by key_id
