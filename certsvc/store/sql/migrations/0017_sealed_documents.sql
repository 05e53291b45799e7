-- What anybody may know of a department's document that was sealed here; and an end to the keeping of files that were sent
-- and that nothing was made of.

create unique index sealing_request_sealed on sealing_request (sealed) where sealed is not null;

create view public_sealed_document as
  select request.sealed as sha256, request.finished_at as recorded_at, place.place, place.seal_id, seal.owner,
    seal.owner_uscc, seal.design ->> 'purpose' as purpose
  from sealing_request request
  join sealing_place place on place.request_id = request.id
  join seal on seal.id = place.seal_id
  where request.sealed is not null;

comment on view public_sealed_document is
  'documents of departments by the digest of the sealed file, and their seals: not who asked for it, nor what for';

grant select on public_sealed_document to certsvc_public;

create function guard_upload() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  open constant text[] := '{uploaded_at,used}';
begin
  if tg_op = 'DELETE' then
    if old.used then
      raise exception 'a file that something was made of is kept' using errcode = 'restrict_violation';
    end if;
    return old;
  end if;
  if to_jsonb(old) - open is distinct from to_jsonb(new) - open or new.uploaded_at < old.uploaded_at
    or (old.used and not new.used) then
    raise exception 'of a file only when it was sent last and its first use change' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

drop trigger keep on sealing_file;
alter table sealing_file add column used boolean not null default false;
comment on column sealing_file.used is 'something was made of it, so it is kept; else it goes some time after it was sent last';
create index sealing_request_source on sealing_request (source) where source is not null;
update sealing_file f set used = true where exists (select from sealing_request r where r.client = f.client and r.source = f.sha256);
create index sealing_file_sha256 on sealing_file (sha256);
create index sealing_file_unused on sealing_file (uploaded_at) where not used;
create trigger guard_upload before update or delete on sealing_file for each row execute function guard_upload();

drop trigger keep on external_file;
alter table external_file add column used boolean not null default false;
comment on column external_file.used is 'something was made of it, so it is kept; else it goes some time after it was sent last';
create index external_page_file on external_page (file);
update external_file f set used = true where exists (select from external_page p where p.file = f.sha256);
create index external_file_sha256 on external_file (sha256);
create index external_file_unused on external_file (uploaded_at) where not used;
create trigger guard_upload before update or delete on external_file for each row execute function guard_upload();
