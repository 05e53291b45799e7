-- name: enrol_seal
-- Put a seal on record, or give the one on record its present rules of use; another owner or picture is refused (no row).
insert into seal as known (id, owner, owner_uscc, design, certificate_types, enrolled_at)
values ($1, $2, $3, $4::jsonb, $5, $6)
on conflict (id) do update set certificate_types = excluded.certificate_types
  where (known.owner, known.owner_uscc, known.design) = (excluded.owner, excluded.owner_uscc, excluded.design)
returning id

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
-- Take a number for ever; no row when it is taken already.
insert into number (type_number, number, version, taken_at) values ($1, $2, 1, $3)
on conflict do nothing returning version

-- name: insert_certificate
-- The intent to issue; no row when its index in the status list is taken.
insert into certificate (slot, ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
  holder_name, holder_code_kind, subject, issuer_name, issuer_uscc, seal_id, valid_from, valid_to, list_name, list_index,
  public_fields, sealed_payload, payload_key_id, reserved_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21::jsonb, $22, $23,
  $24)
on conflict (list_name, list_index) do nothing returning ref

-- name: reservation
-- A reservation as it stands.
select ref, nullif(root_ref, ref) as licence_ref, type_id, type_version, type_number, number, version, identifier,
  issuer_name, issuer_uscc, seal_id, valid_from, valid_to, subject, sealed_payload, payload_key_id, list_name, list_index,
  reserved_at, token, issued_at
from certificate where slot = $1 and ref = $2

-- name: unfinished
-- What was reserved and not issued, oldest first.
select ref from certificate where issued_at is null order by reserved_at, ref

-- name: book_seal_use
-- The intent to use the seal that this certificate was reserved under; no row for any other.
insert into seal_use (slot, ref, seal_id, layout, actor, intended_at)
select slot, ref, seal_id, $4, $5, $6 from certificate where slot = $1 and ref = $2 and seal_id = $3
returning id

-- name: keep_token
-- The token kept first stays.
update certificate set token = coalesce(token, $3) where slot = $1 and ref = $2 returning token

-- name: lock_certificate
-- One writer at a time for each certificate; what publishing and changes of state need to know of it.
select token, issued_at, reserved_at from certificate where slot = $1 and ref = $2 for update

-- name: insert_document
-- A sealed file of ours.
insert into document (sha256, slot, ref, layout, size, sealed_at) values ($1, $2, $3, $4, $5, $6)

-- name: documents
-- The sealed files of one certificate.
select sha256, ref, layout, sealed_at from document where slot = $1 and ref = $2 order by layout

-- name: set_issued
-- From now on it is issued.
update certificate set issued_at = $3 where slot = $1 and ref = $2

-- name: find_event
-- The very same event, if it is on record.
select id from event
where slot = $1 and ref = $2 and act = $3 and status = $4 and effective = $5 and recorded_at = $6 and actor = $7
  and (reason, legal_basis, decision_number) is not distinct from ($8::text, $9::text, $10::text)

-- name: last_recorded
-- When something was last put on record of a certificate.
select max(recorded_at) from event where slot = $1 and ref = $2

-- name: insert_event
-- An event happens once.
insert into event (slot, ref, act, status, effective, recorded_at, actor, reason, legal_basis, decision_number)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id

-- name: close_periods
-- What was thought to hold on $3 or later is no longer known from $4 on; the days before $3 keep the state they had.
with closed as (
  update status_period set known = tstzrange(lower(known), $4)
  where slot = $1 and ref = $2 and upper_inf(known) and valid && daterange($3, null)
  returning slot, ref, status, valid, event_id
)
insert into status_period (slot, ref, status, valid, known, event_id)
select slot, ref, status, valid * daterange(null, $3), tstzrange($4, null), event_id
from closed where lower(valid) < $3

-- name: insert_period
-- The new state, from its first day on.
insert into status_period (slot, ref, status, valid, known, event_id)
values ($1, $2, $3, daterange($4, null), tstzrange($5, null), $6)

-- name: insert_leaf
-- What the log will publish of an event.
insert into log_leaf (slot, ref, event_id, salt, hash, recorded_at) values ($1, $2, $3, $4, $5, $6)

-- name: insert_outbox
-- Others are to be told.
insert into outbox (slot, ref, event_id, recorded_at) values ($1, $2, $3, $4)

-- name: insert_audit
-- Who did what, when.
insert into audit (at, actor, action, slot, ref, detail) values ($1, $2, $3, $4, $5, $6::jsonb)
