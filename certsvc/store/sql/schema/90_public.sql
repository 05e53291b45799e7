-- What the public role may see: what was issued, and never how it was ordered, sealed or encrypted.

create view public_certificate as
  select slot, ref, life_ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
    previous_identifier, holder_name, subject, issuer_name, issuer_uscc, valid_from, valid_to, public_fields, issued_at,
    sha256(token) as token_sha256, layout,
    layout is not null and exists (
      select from external_page page where page.slot = certificate.slot and page.ref = certificate.ref) as has_page
  from certificate
  where issued_at is not null;

grant select on public_certificate to certsvc_public;
grant select on document, status_period to certsvc_public;
grant select (slot, ref, id, act, status, effective, recorded_at, reason, legal_basis, decision_number, reason_code,
  retroactive, due, successor, version_ref) on event to certsvc_public;
