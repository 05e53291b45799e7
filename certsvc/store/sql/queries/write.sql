-- name: find_order
-- What an order was given, if it came before.
select digest, ref from issue_order where client = $1 and key = $2

-- name: insert_order
-- An order comes in; no row when it came before. A second one of the same name waits here for the first.
insert into issue_order (client, key, digest, slot, ref) values ($1, $2, $3, $4, $5)
on conflict (client, key) do nothing returning ref

-- name: find_licence
-- The licence a permit is tied to: the business's latest that was issued; later versions lead to the first.
select root_ref from certificate
where slot = $1 and category = 'licence' and subject = $2 and issued_at is not null
order by version desc limit 1

-- name: next_serial
-- The next serial of a series of numbers.
insert into number_series as series (template, last) values ($1, 1)
on conflict (template) do update set last = series.last + 1
returning last

-- name: take_number
-- Take a number, or the next version of one, for ever; no row when it is taken already.
insert into number (type_number, number, version, taken_at) values ($1, $2, $3, $4)
on conflict do nothing returning version

-- name: lock_root
-- One at a time reserves under a licence, or the next version of a certificate. Others may go on referring to it.
select root_ref from certificate where slot = $1 and ref = $2 for no key update

-- name: find_same_place
-- A certificate of type $3 under licence $2 for the same place, of another life than $5, that is not at an end on $6.
select c.ref from certificate c
where c.slot = $1 and c.root_ref = $2 and c.type_number = $3 and c.place = $4 and c.life_ref <> $5
  and (c.valid_to is null or c.valid_to >= $6)
  and not exists (
    select from status_period p
    where p.slot = c.slot and p.ref = c.ref and upper_inf(p.known) and p.valid @> $6::date
      and p.status in ('revoked', 'rescinded', 'withdrawn', 'closed', 'superseded', 'transferred_out'))
limit 1

-- name: insert_certificate
-- The intent to issue; no row when its index in the status list is taken.
insert into certificate (slot, ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
  holder_name, holder_code_kind, subject, issuer_name, issuer_uscc, seal_id, valid_from, valid_to, list_name, list_index,
  public_fields, sealed_payload, payload_key_id, reserved_at, life_ref, act, takes_over, place, head_office,
  previous_identifier, ground, layout)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21::jsonb, $22, $23,
  $24, $25, $26, $27, $28, $29, $30, $31::jsonb, $32)
on conflict (list_name, list_index) do nothing returning ref

-- name: insert_holder
-- Who holds it.
insert into holder (slot, ref, place, name, code_kind, code, code_hash) values ($1, $2, $3, $4, $5, $6, $7)

-- name: reservation
-- A reservation as it stands.
select c.ref, life_ref, act, takes_over, case when category = 'permit' then root_ref end as licence_ref, type_id,
  type_version, type_number, number, version, identifier, issuer_name, issuer_uscc, seal_id, valid_from, valid_to, subject,
  sealed_payload, payload_key_id, list_name, list_index, reserved_at, token, issued_at, layout, file, page, x_mm, y_mm,
  module_mm, seal_x_mm, seal_y_mm,
  (select o.ref from certificate o where o.slot = c.slot and o.life_ref = c.life_ref and o.version = c.version - 1) as replaces
from certificate c
left join external_page p on p.slot = c.slot and p.ref = c.ref
where c.slot = $1 and c.ref = $2

-- name: unfinished
-- What was reserved and not issued, oldest first.
select ref from certificate where issued_at is null order by reserved_at, ref

-- name: hand_over
-- What was reserved a minute before $2 or earlier, and is neither issued nor in the queue, is put there as work of the
-- kind $1. An order that was approved is there as work of the kind $3.
insert into job (kind, key, due_at)
select $1::text, encode(ref, 'hex'), $2 from certificate
where issued_at is null and reserved_at <= $2::timestamptz - interval '1 minute'
  and not exists (select from job where kind = $1::text and key = encode(certificate.ref, 'hex'))
  and not exists (
    select from issue_order o join job on job.kind = $3::text and job.key = o.key
    where o.slot = certificate.slot and o.ref = certificate.ref)
order by reserved_at, ref
on conflict (kind, key) do nothing

-- name: keep_token
-- The token kept first stays.
update certificate set token = coalesce(token, $3) where slot = $1 and ref = $2 returning token

-- name: orderer
-- In whose name a certificate was ordered.
select client from issue_order where slot = $1 and ref = $2

-- name: seal_of_theirs
-- One of the seals $1 that somebody manages or audits.
select id, auditor = $2 as audits from seal where id = any($1::text[]) and $2 in (auditor, manager) order by id limit 1

-- name: opened_beforehand
-- One of the seals $1 that is used only as its keeper opens it.
select id from seal where id = any($1::text[]) and needs_authorisation order by id limit 1

-- name: lock_quotas
-- Nobody else books a use of those of the seals $1 that have a quota or are opened beforehand.
select id from seal where id = any($1::text[]) and (daily_quota is not null or needs_authorisation) order by id
for no key update

-- name: try_seal_use
-- A use that is taken back, so it has a number of its own: the trigger sees whether the rules of the seal allow it.
insert into seal_use (id, slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
overriding system value
select $1, slot, ref, $4, $5, $6, $7, $8, $9, $10, $11 from certificate where slot = $2 and ref = $3
returning id

-- name: lock_seals_used
-- The seals on the sheets of a certificate, those booked last for each place: their state does not change until the end.
select id, state from seal where id in (
  select last.seal_id from (
    select distinct on (layout, page, x_mm, y_mm) seal_id from seal_use
    where slot = $1 and ref = $2 and page is not null
    order by layout, page, x_mm, y_mm, id desc) last)
order by id for share

-- name: lock_certificate
-- What publishing needs to know of a certificate, which nobody else publishes meanwhile.
select life_ref, act, takes_over, reserved_at, ground, token, issued_at, layout from certificate
where slot = $1 and ref = $2 for update

-- name: insert_document
-- A sealed file of ours.
insert into document (sha256, slot, ref, layout, size, sealed_at) values ($1, $2, $3, $4, $5, $6)

-- name: documents
-- The sealed files of one certificate.
select sha256, ref, layout, sealed_at from document where slot = $1 and ref = $2 order by layout

-- name: set_issued
-- From now on it is issued.
update certificate set issued_at = $3 where slot = $1 and ref = $2

-- name: lock_life
-- One writer at a time for the life of a certificate; whether it has begun.
select issued_at from certificate where slot = $1 and ref = $2 for update

-- name: life_of
-- The life that a certificate belongs to.
select life_ref from certificate where slot = $1 and ref = $2

-- name: versions
-- The versions of a life that were issued, the newest last.
select ref from certificate where slot = $1 and life_ref = $2 and issued_at is not null order by version

-- name: events
-- Everything that happened to a certificate, in the order of recording.
select event.*, (version.reserved_at at time zone interval '8 hours')::date as begins
from event
left join certificate version on version.slot = event.slot and version.ref = event.version_ref
where event.slot = $1 and event.ref = $2
order by event.id

-- name: insert_event
-- An event happens once.
insert into event (slot, ref, act, status, effective, recorded_at, actor, organ, confirmed_by, reason_code, reason,
  legal_basis, decision_number, due, successor, retroactive, strikes, version_ref)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) returning id

-- name: known_periods
-- What is thought of a version now.
select id, status, valid, conditions, event_id from status_period
where slot = $1 and ref = $2 and upper_inf(known) order by lower(valid)

-- name: end_period
-- From $4 on it is no longer thought.
update status_period set known = tstzrange(lower(known), $4) where slot = $1 and ref = $2 and id = $3

-- name: insert_period
-- From $6 on this is thought: a state, from the first day up to the last, which $5 no longer is.
insert into status_period (slot, ref, status, valid, known, life_ref, event_id, conditions)
values ($1, $2, $3, daterange($4, $5), tstzrange($6, null), $7, $8, $9::jsonb)

-- name: find_act
-- What a request to act was given, if it came before.
select digest, ref, event_id from act_order where client = $1 and key = $2

-- name: insert_act
-- A request to act was done; no row when another certificate's request has this key.
insert into act_order (client, key, digest, slot, ref, event_id) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning event_id

-- name: insert_leaf
-- What the log will publish of an event.
insert into log_leaf (slot, ref, event_id, salt, hash, recorded_at) values ($1, $2, $3, $4, $5, $6)

-- name: insert_audit
-- Who did what, when.
insert into audit (at, actor, action, slot, ref, detail) values ($1, $2, $3, $4, $5, $6::jsonb)

-- name: held_by
-- Every version of what somebody holds, by the code of an organisation $1 or the keyed hash of a person's code $2, and
-- the licences of the branches of $1, each with its state on $3 as known at $4.
select c.ref, c.life_ref, c.category, c.type_id, c.type_version, c.number, c.version, c.subject, c.takes_over,
  c.valid_from, c.valid_to, c.place, c.head_office, c.public_fields, period.status, event.successor
from certificate c
left join status_period period on period.slot = c.slot and period.ref = c.ref
  and period.valid @> $3::date and period.known @> $4::timestamptz
left join event on event.slot = period.slot and event.ref = period.life_ref and event.id = period.event_id
where c.issued_at is not null
  and (c.head_office = $1
    or exists (select from holder h where h.slot = c.slot and h.ref = c.ref and (h.code = $1 or h.code_hash = $2)))
order by c.category, c.type_number, c.number, c.version
