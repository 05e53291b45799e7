-- What the public role may see: what was issued, and never how it was ordered, sealed or encrypted.

create view public_certificate as
  select slot, ref, life_ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
    previous_identifier, holder_name, subject, issuer_name, issuer_uscc, valid_from, valid_to, public_fields, issued_at,
    sha256(token) as token_sha256, layout,
    layout is not null and exists (
      select from external_page page where page.slot = certificate.slot and page.ref = certificate.ref) as has_page
  from certificate
  where issued_at is not null;

create view public_sealed_document as
  select request.sealed as sha256, request.finished_at as recorded_at, place.place, place.seal_id, seal.owner,
    seal.owner_uscc, seal.design ->> 'purpose' as purpose
  from sealing_request request
  join sealing_place place on place.request_id = request.id
  join seal on seal.id = place.seal_id
  where request.sealed is not null;

comment on view public_sealed_document is
  'documents of departments by the digest of the sealed file, and their seals: not who asked for it, nor what for';

grant select on public_certificate, public_sealed_document to certsvc_public;
grant select on document, status_period to certsvc_public;
grant select (slot, ref, id, act, status, effective, recorded_at, reason, legal_basis, decision_number, reason_code,
  retroactive, due, successor, strikes, version_ref) on event to certsvc_public;

-- What the desk may see of it: the certificate that a stranger writes about.

grant select on public_certificate to certsvc_desk;
