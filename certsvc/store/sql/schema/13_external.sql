-- Certificates that are laid out elsewhere: the files that departments sent, and where on them the QR goes.

create table external_file (
  client short_text not null,
  sha256 sha256_bytes not null,
  size integer not null check (size between 1 and 20971520),
  pages jsonb not null check (octet_length(pages::text) <= 16384),
  uploaded_at timestamptz not null,
  used boolean not null default false,
  primary key (client, sha256)
);

comment on table external_file is 'a page that a client has sent; for another client it does not exist';
comment on column external_file.pages is 'width and height of each page in millimetres';
comment on column external_file.used is 'something was made of it, so it is kept; else it goes some time after it was sent last';

create index external_file_sha256 on external_file (sha256);
create index external_file_unused on external_file (uploaded_at) where not used;

create table external_page (
  slot slot_number not null,
  ref ref_bytes not null,
  file sha256_bytes not null,
  page smallint not null check (page > 0),
  x_mm double precision not null check (x_mm >= 0),
  y_mm double precision not null check (y_mm >= 0),
  module_mm double precision not null check (module_mm between 0.4 and 2),
  seal_x_mm double precision,
  seal_y_mm double precision,
  primary key (slot, ref),
  foreign key (slot, ref) references certificate,
  constraint seal_spot_is_whole check (num_nulls(seal_x_mm, seal_y_mm) in (0, 2))
);

comment on table external_page is 'the page of a certificate that is laid out elsewhere, and where its QR goes; none: it has no file of ours';
comment on column external_page.seal_x_mm is 'with seal_y_mm where the picture of the seal stands; null: it is not seen on the page';

create index external_page_file on external_page (file);

create function guard_external_page() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (select from certificate
    where slot = new.slot and ref = new.ref and (layout is null or issued_at is not null)) then
    raise exception 'a page of others is for a certificate that is laid out elsewhere, before it is issued'
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create function guard_document() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if (new.layout = 'external') <> exists (select from external_page where slot = new.slot and ref = new.ref)
    or exists (select from certificate
      where slot = new.slot and ref = new.ref and (layout is not null) <> (new.layout = 'external')) then
    raise exception 'a document is laid out as its certificate was ordered' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger guard_external_page before insert on external_page
  for each row execute function guard_external_page();
create trigger guard_document before insert on document for each row execute function guard_document();
create trigger keep before update or delete on external_page for each row execute function refuse_change();
create trigger guard_upload before update or delete on external_file for each row execute function guard_upload();
create trigger keep_all before truncate on external_page for each statement execute function refuse_change();
create trigger keep_all before truncate on external_file for each statement execute function refuse_change();
