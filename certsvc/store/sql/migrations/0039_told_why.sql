-- Who is told by web-hook that a proof was corrected or cancelled is told on which ground.

create or replace function tell_receivers() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
  known proof_request;
  is_new constant boolean := new.act = 'seal';
begin
  select * into known from proof_request where id = new.request_id;
  insert into proof_told (request_id, version, receiver, name, client, kind, slot, ref, code, at, replaces)
  select new.request_id, new.version, one.receiver, one.name, one.client,
    case when not is_new then 'cancelled' when one.had_the_last then 'corrected' else 'issued' end,
    made.slot, made.ref, asked.result ->> 'code', new.at, case when is_new then one.code end
  from approval asked
  join issue_order made on made.client = asked.client and made.key = asked.id
  cross join lateral (
    select distinct on (receiver) * from (
      select receiver, name, client, code, true as had_the_last from proof_told
      where slot = case when is_new then known.corrects_slot else made.slot end
        and ref = case when is_new then known.corrects_ref else made.ref end
      union all
      select newest.* from (
        select receiver, name, client, null, false from proof_receiver
        where request_id = known.id order by number desc limit 1) newest
      where is_new and newest.receiver is not null) whom
    order by receiver, had_the_last desc) one
  where asked.id = known.approval_id;
  insert into notice (at, kind, client, data)
  select t.at, 'proof.' || t.kind, t.client, jsonb_strip_nulls(jsonb_build_object('code', t.code, 'replaces', t.replaces,
    'type', known.type_id, 'organ', known.organ, 'reason_code', (
      select e.reason_code from event e join certificate c on c.slot = e.slot and c.life_ref = e.ref
      where c.slot = t.slot and c.ref = t.ref
        and case t.kind when 'cancelled' then e.act = 'rescind' when 'corrected' then e.version_ref = t.ref end
      order by e.id desc limit 1)))
  from proof_told t where t.request_id = new.request_id and t.version = new.version and t.client is not null;
  return null;
end
$$;
