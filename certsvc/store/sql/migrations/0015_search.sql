-- Certificates are looked for by type, number or business, and requests that wait for persons by their state. What scopes
-- cover is one expression that the planner sees through: asked of a million rows it costs half a second, not a minute.

create index certificate_by_reservation on certificate (reserved_at, ref);
create index certificate_by_type on certificate (type_id, reserved_at, ref);
create index certificate_by_number on certificate (number);
create index certificate_by_subject on certificate (subject) where subject is not null;

drop index approval_open;
create index approval_by_state on approval (state, asked_at, id);

create function scope_patterns(scopes text[]) returns text[] language sql immutable parallel safe
  return array(
    select part[1] || ':' || replace(part[2], '*', '%') || ':' || seal || ':' || replace(coalesce(part[4], '*'), '*', '') || '%'
    from unnest(scopes) as scope, string_to_array(regexp_replace(scope, '([\\%_])', '\\\1', 'g'), ':') as part,
      unnest(array[replace(coalesce(part[3], '*'), '*', '%'), '']) as seal);

comment on function scope_patterns is 'what each scope covers, as patterns for LIKE over action:type:seal:area; any seal will do for none';

create or replace function scopes_cover(scopes text[], action text, type_id text, seal_id text, area text) returns boolean
  language sql immutable parallel safe
  return action || ':' || type_id || ':' || coalesce(seal_id, '') || ':' || area like any (scope_patterns(scopes));
