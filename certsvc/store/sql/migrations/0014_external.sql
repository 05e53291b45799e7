-- Certificates that are laid out elsewhere.

alter table certificate add column layout text check (layout = 'external');

comment on column certificate.layout is 'external: its page was laid out elsewhere; null: the layouts of its type';

alter table seal
  add constraint external_layouts_have_seals_of_their_own
    check (array_to_string(certificate_types, ' ') ~ '^[^/]*$'
      or array_to_string(certificate_types, ' ') ~ '^([^ /]+/external( |$))+$');

create table external_file (
  client short_text not null,
  sha256 sha256_bytes not null,
  size integer not null check (size between 1 and 20971520),
  pages jsonb not null check (octet_length(pages::text) <= 16384),
  uploaded_at timestamptz not null,
  primary key (client, sha256)
);

comment on table external_file is 'a page that a client has sent; for another client it does not exist';
comment on column external_file.pages is 'width and height of each page in millimetres';

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
create trigger keep before update or delete on external_file for each row execute function refuse_change();
create trigger keep_all before truncate on external_page for each statement execute function refuse_change();
create trigger keep_all before truncate on external_file for each statement execute function refuse_change();

create or replace function guard_issue() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.issued_at is not null
    and (new.layout is null or exists (select from external_page where slot = new.slot and ref = new.ref))
    and not exists (select from document where slot = new.slot and ref = new.ref) then
    raise exception 'a certificate is not issued without a document' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create or replace function guard_seal_use() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known record;
  local constant timestamp := new.intended_at at time zone interval '8 hours';
  minute constant integer := extract(hour from local) * 60 + extract(minute from local);
  midnight constant timestamptz := date_trunc('day', local) at time zone interval '8 hours';
  type_asked text;
begin
  perform require_fresh_reads();
  perform from seal where id = new.seal_id and daily_quota is not null for no key update;
  select state, auditor, manager, certificate_types, page, x_mm, y_mm, daily_quota, opens_minute, closes_minute,
    weekdays_only
  into known from seal where id = new.seal_id for share;
  select concat_ws('/', type_id, layout) into type_asked from certificate where slot = new.slot and ref = new.ref;
  if known.state is distinct from 'enabled' then
    perform refuse_seal('not_enabled', known.state);
  end if;
  perform require_time(new.intended_at,
    (select at from seal_event where seal_id = new.seal_id order by id desc limit 1),
    case when known.daily_quota is not null or known.opens_minute is not null then clock_timestamp() end);
  if known.daily_quota is not null then
    perform require_time(new.intended_at, (
      select date_trunc('day', max(intended_at) at time zone interval '8 hours') at time zone interval '8 hours'
      from seal_use where seal_id = new.seal_id and intended_at < clock_timestamp() + interval '10 minutes'), null);
  end if;
  if new.actor = known.auditor then
    perform refuse_seal('auditor', known.auditor);
  end if;
  if new.actor = known.manager then
    perform refuse_seal('manager', known.manager);
  end if;
  if new.request_id is not null and cardinality(known.certificate_types) > 0 then
    perform refuse_seal('not_for_documents', array_to_string(known.certificate_types, ', '));
  elsif new.request_id is not null then
    perform require_requested(new);
  elsif type_asked <> all (known.certificate_types) then
    perform refuse_seal('not_for_this_type', type_asked);
  end if;
  if known.page is not null
    and (new.page is null or new.page <> known.page or abs(new.x_mm - known.x_mm) > 0.05 or abs(new.y_mm - known.y_mm) > 0.05) then
    perform refuse_seal('elsewhere', format('%s: %s, %s', known.page, known.x_mm, known.y_mm));
  end if;
  if known.weekdays_only and extract(isodow from local) > 5
    or minute < known.opens_minute or minute >= known.closes_minute then
    perform refuse_seal('out_of_hours', format('%s-%s', known.opens_minute, known.closes_minute));
  end if;
  if known.daily_quota is not null and known.daily_quota <= (
    select count(*) from seal_use
    where seal_id = new.seal_id and intended_at >= midnight and intended_at < midnight + interval '1 day') then
    perform refuse_seal('quota_used_up', known.daily_quota::text);
  end if;
  return new;
end
$$;

create or replace view public_certificate as
  select slot, ref, life_ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
    previous_identifier, holder_name, subject, issuer_name, issuer_uscc, valid_from, valid_to, public_fields, issued_at,
    sha256(token) as token_sha256, layout,
    layout is not null and exists (
      select from external_page page where page.slot = certificate.slot and page.ref = certificate.ref) as has_page
  from certificate
  where issued_at is not null;
