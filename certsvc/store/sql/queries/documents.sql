-- name: keep_file
-- A client has sent a file, or has sent it again.
insert into sealing_file as known (client, sha256, size, uploaded_at) values ($1, $2, $3, $4)
on conflict (client, sha256) do update set uploaded_at = greatest(known.uploaded_at, excluded.uploaded_at)

-- name: use_file
-- Something is made of a file, so it is kept from now on.
update sealing_file set used = true where client = $1 and sha256 = $2 and not used

-- name: has_file
-- Whether this client has sent this file.
select true from sealing_file where client = $1 and sha256 = $2

-- name: find_request
-- The request of this name, and what it asked.
select id, content from sealing_request where client = $1 and key = $2

-- name: insert_request
-- A request that was checked; no row when there is one of this name.
insert into sealing_request (id, client, key, content, reason, source, prepared, pages, digests, output, requested_at,
  good_until)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (client, key) do nothing returning id

-- name: insert_place
-- One of its seals, and where it stands.
insert into sealing_place (request_id, place, seal_id, page, x_mm, y_mm) values ($1, $2, $3, $4, $5, $6)

-- name: use_authorization
-- Leave to sign is used up by the request $2; no row when it is not good for that, or was used.
update signing_authorization set request_id = $2
where sad_hash = $1 and client = $3 and seal_id = $4 and digests = $5 and request_id is null and expires_at > $6
  and authorized_at <= $6
returning sad_hash

-- name: authorize
-- Leave to sign exactly these digests once.
insert into signing_authorization (sad_hash, client, seal_id, digests, authorized_at, expires_at)
values ($1, $2, $3, $4, $5, $6)

-- name: request
-- A request as it stands, of the client $2 if one is named.
select r.*, (
    select jsonb_agg(jsonb_build_array(p.seal_id, p.page, p.x_mm, p.y_mm) order by p.place)
    from sealing_place p where p.request_id = r.id) as seals
from sealing_request r where r.id = $1 and ($2::text is null or r.client = $2)

-- name: requests
-- The newest requests of a client, or the next older than the request $2: ids are in the order of asking.
select r.*, (
    select jsonb_agg(jsonb_build_array(p.seal_id, p.page, p.x_mm, p.y_mm) order by p.place)
    from sealing_place p where p.request_id = r.id) as seals
from sealing_request r where r.client = $1 and ($2::text is null or r.id < $2) order by r.id desc limit $3

-- name: try_use
-- A use that is taken back, so it has a number of its own: the trigger sees whether the rules of the seal allow it.
insert into seal_use (id, request_id, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: book_use
-- The intent to use a seal for a request, with the digest of what it will sign.
insert into seal_use (request_id, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id

-- name: lock_request_seals
-- The seals of a request: their state does not change until the end.
select id, state from seal where id in (select seal_id from sealing_place where request_id = $1) order by id for share

-- name: finish_request
-- It is done; no row when it has ended already.
update sealing_request set state = 'done', finished_at = $2, sealed = $3, signatures = $4
where id = $1 and state = 'waiting' returning id

-- name: fail_request
-- It will not be done; no row when it has ended already.
update sealing_request set state = 'failed', finished_at = $2, failure = $3::jsonb
where id = $1 and state = 'waiting' returning id
