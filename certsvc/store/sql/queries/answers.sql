-- name: begin
-- A request comes in; no row when this client has one of this key.
insert into answer (client, key, fingerprint, begun_at) values ($1, $2, $3, $4)
on conflict (client, key) do nothing returning begun_at

-- name: known
-- What is known of a request.
select fingerprint, begun_at, status, headers, body from answer where client = $1 and key = $2

-- name: take_over
-- A request that was broken off is taken over, or one whose answer is no longer kept; no row when another was faster.
update answer set fingerprint = $4, begun_at = $5, status = null, headers = null, body = null
where client = $1 and key = $2 and begun_at = $3 returning begun_at

-- name: keep
-- Its answer, unless somebody has taken it over.
update answer set status = $4, headers = $5::jsonb, body = $6 where client = $1 and key = $2 and begun_at = $3

-- name: forget
-- It came to nothing that lasts, and may be tried again.
delete from answer where client = $1 and key = $2 and begun_at = $3

-- name: purge
-- Answers that are no longer kept, so many at a time.
delete from answer where (client, key) in (
  select client, key from answer where begun_at < $1 order by begun_at limit 1000)
returning 1
