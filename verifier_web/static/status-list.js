// A signed status list (IETF Token Status List): what the register said of every certificate of one type and quarter,
// four bits each, at the moment it was signed. A list that is not sound in every way says nothing: the reasons are codes.

import {fromBase64url, isSignedBy, splitJws} from './jws.js';

export const MAX_LIST = 1024 * 1024;
const TYPE = 'statuslist+jwt', BITS = 4;
const MAX_ENTRIES_BYTES = 2 ** 20 / 2;
const ADDRESS = /^https?:\/\/[^/?#\s][^?#\s]*$/;
const LONGEST_TERM_S = 7 * 24 * 3600, CLOCKS_DIFFER_S = 300;

const STATES = new Map([
  [0x0, 'valid'], [0x1, 'invalid'], [0x2, 'suspended'], [0x3, 'superseded'],
  [0xc, 'transferred_out'], [0xd, 'renewal_pending'], [0xe, 'conditional'], [0xf, 'no_statement'],
]);

/** A list that cannot be used; `reason` is one of the codes above `readList`. */
class Unusable extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Read what a list says of one certificate. The first trouble wins: `list_missing`, `list_too_large`, `list_malformed`,
 * `list_key_unknown`, `list_key_compromised`, `list_signature_wrong`, `list_of_another`,
 * `list_signed_outside_key_term`, `list_from_the_future`, `list_expired`, `keys_too_old`, `list_unreadable`,
 * `index_out_of_range`, `value_reserved`; otherwise `read`.
 *
 * @param {string|null} text the list as it was fetched
 * @param {{name: string, index: number, now: number, keys: object}} asked `name` as `101-2026q4`; `now` in seconds
 *   since 1970; `keys` from `importKeys` in verify-offline.js
 * @returns {Promise<{reason: string, state: string|null, issuedAt: number|null, expiresAt: number|null}>} `state` one of
 *   `valid`, `invalid`, `suspended`, `superseded`, `transferred_out`, `renewal_pending`, `conditional`, `no_statement`;
 *   the instants are there as soon as the signature was found to be ours
 */
export async function readList(text, {name, index, now, keys}) {
  const said = {reason: 'read', state: null, issuedAt: null, expiresAt: null};
  try {
    const {claims, key} = await signedClaims(text, name, keys);
    Object.assign(said, {issuedAt: claims.iat, expiresAt: claims.exp});
    refuseOutOfTerm(claims, key, now, keys);
    said.state = await stateAt(claims.status_list.lst, index);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    said.reason = error.reason;
  }
  return said;
}

/** The claims of a list by this name and the key of ours that signed it, whatever their age. */
async function signedClaims(text, name, keys) {
  if (text === null) throw new Unusable('list_missing');
  if (text.length > MAX_LIST) throw new Unusable('list_too_large');
  const parts = orElse('list_malformed', () => splitJws(text, TYPE));
  const key = keys.statusKeys.find(({kid}) => kid === parts.kid);
  if (!key) throw new Unusable('list_key_unknown');
  if (key.compromised) throw new Unusable('list_key_compromised');
  if (!(await isSignedBy(parts, key.key))) throw new Unusable('list_signature_wrong');
  const claims = orElse('list_malformed', parts.readClaims);
  if (!areClaims(claims)) throw new Unusable('list_malformed');
  if (!ADDRESS.test(claims.sub) || !claims.sub.endsWith(`/status/${name}`)) throw new Unusable('list_of_another');
  return {claims, key};
}

function refuseOutOfTerm(claims, key, now, keys) {
  if (claims.iat < key.notBefore || claims.iat > key.notAfter) throw new Unusable('list_signed_outside_key_term');
  if (claims.iat > now + CLOCKS_DIFFER_S) throw new Unusable('list_from_the_future');
  if (now >= claims.exp) throw new Unusable('list_expired');
  if (now >= keys.expiresAt) throw new Unusable('keys_too_old');
}

function areClaims({sub, iat, exp, ttl, status_list: list}) {
  const numbers = [iat, exp].every(value => Number.isSafeInteger(value) && value >= 0) && Number.isSafeInteger(ttl);
  const lasts = exp - iat;
  return typeof sub === 'string' && numbers && ttl > 0 && lasts >= 1 && lasts <= LONGEST_TERM_S
    && list !== null && typeof list === 'object' && list.bits === BITS && typeof list.lst === 'string';
}

function orElse(reason, read) {
  try {
    return read();
  } catch {
    throw new Unusable(reason);
  }
}

async function stateAt(packed, index) {
  const zlib = orElse('list_unreadable', () => fromBase64url(packed));
  const entries = await inflate(zlib);
  if (index >> 1 >= entries.length) throw new Unusable('index_out_of_range');
  const byte = entries[index >> 1];
  const state = STATES.get(index % 2 ? byte >> 4 : byte & 15);
  if (!state) throw new Unusable('value_reserved');
  return state;
}

/** A zlib stream (RFC 1950), whole and with nothing after it, to at most 512 KiB: reading stops at one byte more. */
async function inflate(zlib) {
  const inflated = new Blob([zlib]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  const entries = new Uint8Array(MAX_ENTRIES_BYTES);
  let size = 0;
  try {
    for (let part = await inflated.read(); !part.done; part = await inflated.read()) {
      entries.set(part.value, size);  // throws when there is no room for it
      size += part.value.length;
    }
  } catch {
    inflated.cancel().catch(() => {});
    throw new Unusable('list_unreadable');
  }
  const whole = entries.subarray(0, size);
  if (!endsWithChecksum(zlib, whole)) throw new Unusable('list_unreadable');
  return whole;
}

/** Not every inflater refuses bytes after the end, but the last four must be the Adler-32 of the content. */
function endsWithChecksum(zlib, content) {
  let low = 1, high = 0;
  for (const byte of content) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  const [a, b, c, d] = zlib.subarray(-4);
  return zlib.length >= 6 && ((a << 8) | b) === high && ((c << 8) | d) === low;
}
