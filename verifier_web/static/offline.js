// The answer without network, in a stored page: what this device can find out by itself, and nothing that it cannot.
// The page says "cannot tell" before this runs, and goes on saying so if anything here fails.

import {keptKeys, keptList} from './store.js';
import {NoToken, digitsOf, listNeeded, parseDigits, verifyOffline} from './verify-offline.js';
import {age, copyOf, day, fill, kindOf, listTitle, moment, put, putAll, putIcon, said} from './words.js';

const DAY_S = 24 * 3600;
const IN_FORCE = {valid: 'sound_listed', conditional: 'sound_conditional', renewal_pending: 'sound_renewal'};
const UNSOUND = {compromised_key: 'compromised', key_unknown: 'key_unknown', no_keys: 'no_keys'};

const place = document.querySelector('#answer');

/** What this device finds of a QR: the report of verify-offline.js, and what stands on this page beside it. */
async function look(qr, now) {
  const claims = parseDigits(digitsOf(qr)).claims;
  const keys = await keptKeys();
  if (!keys) return {keys, report: {token: {outcome: 'unknown', reason: 'no_keys'}, ...NOTHING}};
  const report = await verifyOffline({qr, list: await keptList(listNeeded(qr)), keys, now});
  if (report.token.reason === 'unknown_key' && claims.issuedAt > keys.issuedAt) {
    return {keys, report: {...report, token: {outcome: 'unknown', reason: 'key_unknown'}}};  // a newer key than any here
  }
  return {keys, report};
}

const NOTHING = {claims: null, term: 'unknown', state: null, list: {name: null, reason: 'not_looked_at'},
  cannot_know: ['register', 'state', 'paper']};

/** The code of the words over everything: never one that says "valid". */
function headline({token, state, term}) {
  if (token.outcome === 'unsound') return 'not_ours';
  if (token.outcome !== 'sound') return UNSOUND[token.reason];
  if (state === null) return 'sound_unlisted';
  if (term === 'over' && ['valid', 'conditional'].includes(state)) return 'expired';
  return IN_FORCE[state] ?? state;
}

function documentAnswer({token}, keys, now) {
  const code = token.outcome === 'sound' ? (now < keys.expiresAt ? 'sound' : 'sound_old') : token.reason;
  const look = {sound: ['ok', 'tick'], unsound: ['bad', 'stop'], unknown: ['unk', 'unsure']}[token.outcome];
  return [...look, said.document[code]];
}

function stateAnswer({token, state, list}, now) {
  const at = list.issued_at ? moment(list.issued_at) : '';
  if (state === null || state === 'no_statement') {
    const code = token.outcome === 'unknown' ? 'unchecked' : state ?? list.reason;
    const {word, text} = said.unread[code] ?? said.unread.other;
    return [...(token.outcome === 'unsound' ? ['old', 'closed'] : ['unk', 'unsure']), {word, text: fill(text, {at})}];
  }
  const look = state in IN_FORCE ? ['old', 'info'] : [said.looks[state].block, said.looks[state].icon];
  const text = fill(said.listed_text, {at, age: age(list.age_s, now)});
  return [...look, {word: fill(said.listed, {state: said.state[state]}), text}];
}

function termAnswer({token, claims, term, state}) {
  const end = claims?.expires_at ? day(claims.expires_at - DAY_S) : '';
  const ended = state && !(state in IN_FORCE) && !['suspended', 'no_statement'].includes(state);
  const code = token.outcome === 'unsound' ? 'not_needed' : ended ? 'moot' : term !== 'over' ? term
    : state === 'renewal_pending' ? 'over_renewal' : state === null || state === 'no_statement' ? 'over_unlisted' : 'over';
  const look = {in_force: ['ok', 'tick'], none: ['ok', 'tick'], over_renewal: ['old', 'clock'], moot: ['old', 'closed'],
    not_needed: ['old', 'closed'], unknown: ['unk', 'unsure']}[code] ?? ['bad', 'calendar'];
  const {word, text} = said.term[code];
  return [...look, {word, text: fill(text, {end})}];
}

/** What a reader may do on the strength of this. */
function relyOn(code, {token, state}) {
  if (said.looks[code].block !== 'unk') return said.rely.refused;
  if (token.outcome !== 'sound') return said.rely.nothing;
  return state in IN_FORCE ? said.rely.sound_listed : said.rely.sound;
}

function show({keys, report}, now) {
  const code = headline(report), {word, qualifier, next} = said.headline[code], {block, icon} = said.looks[code];
  const page = copyOf('verdict');
  page.querySelector('.verdict').classList.add(block);
  putIcon(page, 'verdict', icon);
  put(page, 'word', word);
  put(page, 'qualifier', qualifier);
  const [kind, kindZh] = report.claims ? kindOf(report.claims.type_number) : [];
  put(page, 'kind', kind);
  put(page, 'kind_zh', kindZh);
  put(page, 'holder', report.claims?.holder_name);
  put(page, 'at', moment(now) + said.beijing);
  putAnswer(page, 'document', documentAnswer(report, keys, now));
  putAnswer(page, 'register', stateAnswer(report, now));
  putAnswer(page, 'term', termAnswer(report));
  putAll(page, 'next', next);
  putAll(page, 'rely', relyOn(code, report));
  putAll(page, 'cannot', report.cannot_know.map(one => said.cannot_know[one]));
  putFacts(page, report.claims);
  putKept(page, keys, report.list, now);
  page.querySelector('[data-put=report]').textContent = JSON.stringify(report, null, 1);
  document.title = `${word} ${qualifier} – ${said.site}`;
  place.replaceChildren(page);
}

function putAnswer(page, name, [family, icon, {word, text}]) {
  const row = page.querySelector(`[data-answer=${name}]`);
  row.classList.add(family);
  putIcon(row, 'answer', icon);
  put(row, 'answer_word', word);
  put(row, 'answer_text', text);
}

/** What the token says, if it is ours: to compare with the paper. */
function putFacts(page, claims) {
  const box = page.querySelector('[data-put=facts]');
  if (!claims) return box.remove();
  const [kind, kindZh] = kindOf(claims.type_number);
  const known = {
    fact_kind: kindZh ? `${kind} ${kindZh}` : kind,
    fact_holder: claims.holder_name,
    fact_uscc: claims.subject,
    fact_until: claims.expires_at ? day(claims.expires_at - DAY_S) : said.no_end,
    fact_code: claims.typed_code,
  };
  for (const [name, text] of Object.entries(known)) {
    if (text) put(box, name, text);
    else box.querySelector(`[data-put=${name}]`).closest('div').remove();
  }
  inGroups(box.querySelector('[data-put=fact_uscc]'));
}

/** A long code in groups of four: gaps are margins, so that a copied code has none. */
function inGroups(place) {
  const groups = place?.textContent.match(/.{1,4}/g) ?? [];
  place?.replaceChildren(...groups.map(group => Object.assign(document.createElement('i'), {textContent: group})));
}

function putKept(page, keys, list, now) {
  const at = keys && moment(keys.issuedAt);
  put(page, 'kept_keys', keys ? fill(now < keys.expiresAt ? said.kept_keys_text : said.kept_keys_old, {at}) : said.kept_none);
  const name = list.name && listTitle(list.name);
  put(page, 'kept_list', list.issued_at
    ? fill(said.kept_list_text, {name, at: moment(list.issued_at)}) : said.kept_none);
  put(page, 'kept_until', list.issued_at && `${said.kept_until} ${moment(list.expires_at)}`);
}

function showOnly(id, title) {
  document.title = `${title} – ${said.site}`;
  document.querySelector('.stale').remove();  // no result, so none that grows old
  place.replaceChildren(copyOf(id));
}

async function start() {
  keepLanguageLinksHere();
  const now = Date.now() / 1000;
  if (!location.pathname.startsWith('/Q/')) return showOnly('home', said.home_title);
  try {
    show(await look(location.origin + location.pathname, now), now);
  } catch (error) {
    if (!(error instanceof NoToken)) throw error;
    showOnly('malformed', said.malformed_title);
  }
}

/** The stored page has an address of its own; its links to other languages must stay with what was asked. */
function keepLanguageLinksHere() {
  for (const link of document.querySelectorAll('a[hreflang]')) link.href = location.pathname + new URL(link.href).search;
}

/** Asking again waits longer for the network than a first look does. */
document.addEventListener('click', event => {
  if (event.target.closest('[data-ask]')) location.reload();
});
addEventListener('online', () => { document.querySelector('#back').hidden = false; });

await start();
