-- The role of the desk, which takes what strangers write: reports, subscriptions, tries at a full view.

do $$
begin
  if not exists (select from pg_roles where rolname = 'certsvc_desk') then
    raise exception 'the role certsvc_desk is missing; create it first: create role certsvc_desk login';
  end if;
end
$$;

grant select on public_certificate to certsvc_desk;
