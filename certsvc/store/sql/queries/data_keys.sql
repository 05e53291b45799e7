-- name: known_keys
-- The data keys and look-up keys that content was made with, and that have not ended.
select id, fingerprint from data_key where ended_at is null

-- name: know_key
-- A key comes into use.
insert into data_key (id, fingerprint, first_used_at) values ($1, $2, $3) on conflict (id) do nothing

-- name: end_key
-- A key is of no use any more; no row when it is not known. Ended again, it stays as it ended first.
update data_key set ended_at = coalesce(ended_at, $2), ended_why = coalesce(ended_why, $3) where id = $1
returning ended_why

-- name: keys
-- Every key on record.
select id, first_used_at, ended_at, ended_why from data_key order by id

-- name: payloads_after
-- Contents that can be read, after one certificate, in the order of references.
select slot, ref, type_id, type_version, sealed_payload, payload_key_id from certificate
where (slot, ref) > ($1, $2) and payload_key_id not in (select id from data_key where ended_why = 'lost')
order by slot, ref limit $3

-- name: rehash
-- The keyed hash of a holder's code under another look-up key.
update holder set code_hash = $4 where slot = $1 and ref = $2 and place = $3 and code_hash is distinct from $4
