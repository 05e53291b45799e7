-- name: route_of_certificate
-- The newest version issued of a certificate: its type, its seal and its issuer, who answers for it.
select newest.type_id, newest.seal_id, newest.issuer_name, newest.issuer_uscc
from certificate asked
cross join lateral (
  select type_id, seal_id, issuer_name, issuer_uscc from certificate one
  where one.slot = asked.slot and one.life_ref = asked.life_ref and one.issued_at is not null
  order by one.version desc limit 1) newest
where asked.slot = $1 and asked.ref = $2

-- name: route_of_source
-- The department that reports permits of its own here.
select zh, client, organisation from source where id = $1

-- name: departments
-- The departments that report permits of their own here.
select id, zh, en from source order by id

-- name: open
-- A report comes in. Who sent the same form before is told by the constraint on its token.
insert into problem_report (number, token, digest, opened_at, kind, source, claimed, claimed_at, file_sha256, slot, ref,
  department, department_uscc, client, type_id, seal_id, area, contact_due, answer_due, calendar_known, sealed, key_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)

-- name: of_token
-- The report that a form became.
select number, digest from report_of_token($1)

-- name: followed
-- A report for who has its number.
select * from followed_report($1)

-- name: figures
-- How fast answers are to what was reported since $1 or is pending at $2: by department, or by kind of problem.
select * from report_figures($1, $2, $3)

-- name: pending
-- Reports to answer by the client $1 or within the scopes $2 (null: all), in the state $6 (null: any that is not closed);
-- what is due first comes first, after ($3, $4).
select report.*, contact.said as first_said, answer.said, answer.forwarded_to, answer.life_ref, answer.event_id
from problem_report report
left join problem_report_event contact on contact.number = report.number and contact.act = 'acknowledge'
left join problem_report_event answer on answer.number = report.number and answer.act = 'close'
where report.closed_at is null and ($6::text is null or report.state = $6)
  and ($2::text[] is null or report.client = $1
    or report.reach like any (scope_patterns($2::text[])))
  and ($3::timestamptz is null or (report.due, report.number) > ($3, $4))
order by report.due, report.number
limit $5

-- name: closed
-- The same, of those that are answered.
select report.*, contact.said as first_said, answer.said, answer.forwarded_to, answer.life_ref, answer.event_id
from problem_report report
left join problem_report_event contact on contact.number = report.number and contact.act = 'acknowledge'
left join problem_report_event answer on answer.number = report.number and answer.act = 'close'
where report.closed_at is not null and report.state = $6
  and ($2::text[] is null or report.client = $1
    or report.reach like any (scope_patterns($2::text[])))
  and ($3::timestamptz is null or (report.due, report.number) > ($3, $4))
order by report.due, report.number
limit $5

-- name: one
-- A report, if the client $2 answers it or the scopes $3 (null: all) reach it.
select report.*, contact.said as first_said, answer.said, answer.forwarded_to, answer.life_ref, answer.event_id
from problem_report report
left join problem_report_event contact on contact.number = report.number and contact.act = 'acknowledge'
left join problem_report_event answer on answer.number = report.number and answer.act = 'close'
where report.number = $1
  and ($3::text[] is null or report.client = $2
    or report.reach like any (scope_patterns($3::text[])))

-- name: lock
-- One answer at a time.
select number, slot, ref, client, type_id, contacted_at, closed_at, opened_at from problem_report
where number = $1 for no key update

-- name: answered_before
-- What a request said, if it came before.
select number, digest from problem_report_event where client = $1 and key = $2

-- name: life_of
-- The life that a certificate belongs to.
select life_ref from certificate where slot = $1 and ref = $2 and issued_at is not null

-- name: insert_event
-- An answer goes on record.
insert into problem_report_event (number, act, at, actor, client, key, digest, said, outcome, forwarded_to, slot,
  life_ref, event_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: contacted
-- Somebody has taken it up.
update problem_report set contacted_at = coalesce(contacted_at, $2) where number = $1

-- name: end
-- It is answered, and with it taken up.
update problem_report set contacted_at = coalesce(contacted_at, $2), closed_at = $2, outcome = $3 where number = $1

-- name: corrections
-- The reports that entries in the life of a certificate answered, by the number of the entry.
select answer.event_id, answer.number from problem_report_event answer
join certificate asked on asked.slot = answer.slot and asked.life_ref = answer.life_ref
where asked.slot = $1 and asked.ref = $2 and answer.event_id is not null
order by answer.event_id, answer.number

-- name: untold
-- Reports of which nobody was told yet, at most $1; nobody else tells of them meanwhile.
select number, kind, slot, ref, client, type_id, contact_due, answer_due from problem_report
where told_opened_at is null order by opened_at limit $1 for no key update skip locked

-- name: told
-- Others are told of these reports.
update problem_report set told_opened_at = $2 where number = any($1::text[])

-- name: late_contacts
-- Reports that should have been taken up by $1, of which nobody was told that they are late.
select number, kind, slot, ref, client, type_id, contact_due, answer_due from problem_report
where contacted_at is null and told_contact_late_at is null and contact_due < $1
order by contact_due limit $2 for no key update skip locked

-- name: told_of_late_contact
-- Others are told that these reports should have been taken up.
update problem_report set told_contact_late_at = $2 where number = any($1::text[])

-- name: late_answers
-- Reports that should have been answered by $1, of which nobody was told that they are late.
select number, kind, slot, ref, client, type_id, contact_due, answer_due from problem_report
where closed_at is null and told_answer_late_at is null and answer_due < $1
order by answer_due limit $2 for no key update skip locked

-- name: told_of_late_answer
-- Others are told that these reports should have been answered.
update problem_report set told_answer_late_at = $2 where number = any($1::text[])

-- name: erase
-- Words and contacts of what was closed before $1 are erased at $2, at most $3 of them.
with due as (
  select number from problem_report
  where sealed is not null and closed_at < $1 order by closed_at limit $3 for update skip locked)
update problem_report report set sealed = null, key_id = null, erased_at = $2
from due where report.number = due.number
returning report.number

-- name: erase_unanswered
-- The same, of what is not answered and should have been before $1: what is due next is never due after the answer.
with due as (
  select number from problem_report
  where sealed is not null and closed_at is null and due < $1 and answer_due < $1
  order by due limit $3 for update skip locked)
update problem_report report set sealed = null, key_id = null, erased_at = $2
from due where report.number = due.number
returning report.number
