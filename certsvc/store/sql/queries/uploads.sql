-- name: lock_upload
-- Whoever puts a file on record, or takes it away, does it by itself.
select pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 0))

-- name: unused
-- Files sent last before $1 that nothing was made of, so many at a time. Those of a client that has something waiting for
-- persons or in a batch are kept: what that names is encrypted.
select is_external, client, sha256 from (
  select false as is_external, client, sha256, uploaded_at from sealing_file where not used and uploaded_at < $1
  union all
  select true, client, sha256, uploaded_at from external_file where not used and uploaded_at < $1
    and not exists (select from approval where approval.client = external_file.client and state in ('waiting', 'approved'))
    and not exists (select from batch where batch.client = external_file.client and not closed)
) sent
order by uploaded_at limit 500

-- name: drop_sealing_file
-- It is not on record any more; no row when it was sent again or used meanwhile.
delete from sealing_file where client = $1 and sha256 = $2 and not used and uploaded_at < $3 returning true

-- name: drop_external_file
-- It is not on record any more; no row when it was sent again or used meanwhile.
delete from external_file where client = $1 and sha256 = $2 and not used and uploaded_at < $3 returning true

-- name: is_needed
-- Whether somebody else has sent the file too, or something on record was made of it or is it. (What lacks only its seals
-- is nobody's upload: it is written here, with an id drawn at random.)
select exists (select from sealing_file where sha256 = $1)
  or exists (select from external_file where sha256 = $1)
  or exists (select from external_page where file = $1)
  or exists (select from sealing_request where source = $1)
  or exists (select from sealing_request where sealed = $1)
  or exists (select from document where sha256 = $1)
