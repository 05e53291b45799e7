-- name: keep_file
-- A client has sent a page that it laid out itself, or has sent it again.
insert into external_file as known (client, sha256, size, pages, uploaded_at) values ($1, $2, $3, $4::jsonb, $5)
on conflict (client, sha256) do update set uploaded_at = greatest(known.uploaded_at, excluded.uploaded_at)

-- name: use_file
-- Something is made of a file, so it is kept from now on.
update external_file set used = true where client = $1 and sha256 = $2 and not used

-- name: may_use_file
-- Whether a client has sent a file, or a version of the life of certificate $4 was made from it.
select exists (select from external_file where client = $1 and sha256 = $2)
  or exists (
    select from certificate asked
    join certificate version on version.slot = asked.slot and version.life_ref = asked.life_ref
    join external_page page on page.slot = version.slot and page.ref = version.ref
    where asked.slot = $3 and asked.ref = $4 and page.file = $2)

-- name: insert_external_page
-- The page that somebody else laid out, and where on it the QR goes.
insert into external_page (slot, ref, file, page, x_mm, y_mm, module_mm, seal_x_mm, seal_y_mm)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
