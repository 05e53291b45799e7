// Verify a certificate's QR without asking the register: the token's signature, its term, and what a signed status list
// says. For the pages of this site and for other people's software: five small modules without a dependency
// (verify-offline, token, cbor, status-list, jws), which run in browsers, Node 20+, Deno and Bun. Copy them; do not
// load them from a server whose word you want to check.
//
//   import {importKeys, listNeeded, readVerifierKeys, verifyOffline} from './verify-offline.js';
//
//   const keys = await importKeys(await readVerifierKeys(jsonOfTrustVerifier));  // GET /trust/verifier.json, kept
//   const name = listNeeded(qr);                                                 // '101-2026q4', GET /status/<name>, kept
//   const report = await verifyOffline({qr, list: textOfList, keys, now: Date.now() / 1000});
//
// Whoever calls answers for where `verifier.json` first came from: get it over a connection you trust, or compare its
// keys with the authority's certificates. Later ones can be checked with the one you have (`readVerifierKeys(json, keys)`).
//
// The report is the one of `certsvc check-token --json`:
//   {verdict, token: {outcome, reason}, claims, term, state, list: {name, index, reason, issued_at, expires_at, age_s},
//    cannot_know}
// `verdict` is `valid`, `not_valid` or `undetermined` *as of* `list.issued_at`; it is never the live answer. `cannot_know`
// says what no one can know offline: show it. Vectors: tests/vectors/qr and tests/vectors/status.

import {importJwk, isSignedBy, splitJws} from './jws.js';
import {readList} from './status-list.js';
import {NoToken, checkToken, listOf, parseDigits, toHex} from './token.js';

export {NoToken, listOf, parseDigits};

const KEYS_TYPE = 'verifier-keys+jwt';
const MAX_KEYS_FILE = 1024 * 1024, MAX_KEYS = 1000, MAX_URL = 1000;
const OUTCOMES = {passed: 'sound', failed: 'unsound', unknown: 'unknown'};
const KEPT_BEYOND_THE_END = ['renewal_pending'], BY_TERM = ['valid', 'conditional'];
const WITH_CONDITIONS = ['conditional', 'renewal_pending'];

/**
 * The digits of a QR: those alone, or an address `…/Q/<digits>` on any host, in capitals or not. The text is taken as it
 * was read: blanks around it make it something else.
 */
export function digitsOf(qr) {
  if (qr.length > MAX_URL) throw new NoToken('it is too long', 'token_too_long');
  return /^https?:\/\/[^/?#\s]{1,255}\/q\/([0-9]*)$/i.exec(qr)?.[1] ?? qr;
}

/** The name of the status list a QR needs, null when it is no token. */
export function listNeeded(qr) {
  try {
    return listOf(parseDigits(digitsOf(qr)).claims);
  } catch (error) {
    if (error instanceof NoToken) return null;
    throw error;
  }
}

/**
 * The claims of `/trust/verifier.json`, its signature checked.
 *
 * @param {string} json a JWS in flattened form
 * @param {object} [known] keys you trust already (from `importKeys`): one of their `listKeys` must have signed. Without
 *   them the file is checked by the key it names itself, which finds damage and no forger
 * @throws {SyntaxError|TypeError} it is malformed
 * @throws {RangeError} it is not signed by such a key
 */
export async function readVerifierKeys(json, known) {
  if (json.length > MAX_KEYS_FILE) throw new SyntaxError('it is too large');
  const {protected: header, payload, signature} = JSON.parse(json);
  const parts = splitJws(`${header}.${payload}.${signature}`, KEYS_TYPE);
  const claims = parts.readClaims();
  const {listKeys} = known ?? (await importKeys(claims));
  const signers = listKeys.filter(({kid, compromised}) => kid === parts.kid && !compromised);
  for (const {key, notBefore, notAfter} of signers) {
    if (notBefore <= claims.iat && claims.iat <= notAfter && (await isSignedBy(parts, key))) return claims;
  }
  throw new RangeError('none of the keys that may sign it did');
}

/** The keys of a verifier, ready for use, from the claims that `readVerifierKeys` gave. */
export async function importKeys(claims) {
  const {iat, exp, token_keys: token, status_keys: status, list_keys: list} = claims;
  if (![iat, exp].every(Number.isSafeInteger)) throw new SyntaxError('its times are wrong');
  const [tokenKeys, statusKeys, listKeys] = await Promise.all([token, status, list].map(importAll));
  const isDemonstration = claims.demonstration === true;
  return {issuedAt: iat, expiresAt: exp, isDemonstration, tokenKeys, statusKeys, listKeys};
}

async function importAll(entries) {
  if (!Array.isArray(entries) || entries.length > MAX_KEYS) throw new SyntaxError('its keys are wrong');
  return Promise.all(entries.map(async ({kid, jwk, not_before: notBefore, not_after: notAfter, compromised}) => {
    if (![notBefore, notAfter].every(Number.isSafeInteger)) throw new SyntaxError('the term of a key is wrong');
    return {kid, key: await importJwk(jwk), notBefore, notAfter, compromised: compromised !== false};
  }));
}

/**
 * @param {{qr: string, list: string|null, keys: object, now: number}} asked `qr` as read; `list` the text of the status
 *   list that `listNeeded` names, null without one; `keys` from `importKeys`; `now` in seconds since 1970
 * @returns {Promise<object>} the report, see the head of this file
 */
export async function verifyOffline({qr, list, keys, now}) {
  let token;
  try {
    token = parseDigits(digitsOf(qr));
  } catch (error) {
    if (!(error instanceof NoToken)) throw error;
    return report('not_valid', {outcome: 'malformed', reason: 'malformed'});
  }
  const {outcome, reason} = await checkToken(token, keys.tokenKeys);
  const checked = {outcome: OUTCOMES[outcome], reason};
  if (outcome !== 'passed') return report(outcome === 'failed' ? 'not_valid' : 'undetermined', checked);
  return reportSound(checked, token.claims, list, keys, now);
}

async function reportSound(token, claims, list, keys, now) {
  const name = listOf(claims), index = claims.listIndex;
  const said = await readList(list, {name, index, now, keys});
  const term = claims.expiresAt === null ? 'none' : now < claims.expiresAt ? 'in_force' : 'over';
  return {
    verdict: conclude(said.state, term),
    token,
    claims: shown(claims),
    term,
    state: said.state,
    list: {
      name, index, reason: said.reason,
      issued_at: said.issuedAt, expires_at: said.expiresAt,
      age_s: said.issuedAt === null ? null : Math.max(0, Math.floor(now) - said.issuedAt),
    },
    cannot_know: cannotKnow(said),
  };
}

/** Never greener than the evidence: a list that could not be read or says nothing leaves it undetermined. */
function conclude(state, term) {
  if (state === null || state === 'no_statement') return 'undetermined';
  if (KEPT_BEYOND_THE_END.includes(state)) return 'valid';
  return BY_TERM.includes(state) && term !== 'over' ? 'valid' : 'not_valid';
}

function cannotKnow({reason, state}) {
  const read = reason === 'read';
  return [
    'register',
    ...(!read || state === 'no_statement' ? ['state'] : []),
    ...(read ? ['since_list'] : []),
    ...(WITH_CONDITIONS.includes(state) ? ['condition'] : []),
    'paper',
  ];
}

function shown(claims) {
  return {
    ref: toHex(claims.ref), typed_code: claims.typedCode, type_number: claims.typeNumber, version: claims.version,
    subject: claims.subject, holder_name: claims.holderName, issued_at: claims.issuedAt, expires_at: claims.expiresAt,
  };
}

function report(verdict, token) {
  const list = {name: null, index: null, reason: 'not_looked_at', issued_at: null, expires_at: null, age_s: null};
  return {verdict, token, claims: null, term: 'unknown', state: null, list, cannot_know: ['register', 'state', 'paper']};
}
