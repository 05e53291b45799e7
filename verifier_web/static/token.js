// The token of a QR, strictly: digits → bytes → COSE_Sign1 (RFC 9052, ES256) → CWT claims (RFC 8392), and who signed it.
// There is one spelling of every token; what does not re-encode to the same digits is refused. The stages, and vectors
// for each, stand in tests/vectors/qr/README.md. Needs WebCrypto and BigInt, nothing else.

import {decode, encode} from './cbor.js';

const SUB = 2, EXP = 4, IAT = 6, CTI = 7, DETAIL = -65537;
const PROTECTED = Uint8Array.of(0xa1, 0x01, 0x26);
const KID = 4;
const KID_BYTES = 4, SIGNATURE_BYTES = 64, REF_BYTES = 10, MARK = 1;
const MAX_DIGITS = 700, MAX_NAME = 20, MAX_NAME_BYTES = 72;
const MAX_TYPE = 65535, MAX_VERSION = 999, MAX_INDEX = 2 ** 20, LAST_SECOND = 253402271999;
const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
const ES256 = {name: 'ECDSA', hash: 'SHA-256'}, P256 = {name: 'ECDSA', namedCurve: 'P-256'};
const BEIJING_S = 8 * 3600;

const USCC_ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const USCC = /^(?:1[1239]|2[19]|3[123459]|4[19]|5[12349]|6[129]|7[129]|8[19]|9[123]|A[19]|N[1239]|Y1)[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$/;
const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2], ALPHABET_36 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** It is no token at all. `code` is `malformed_token` or `token_too_long`. */
export class NoToken extends Error {
  constructor(because, code = 'malformed_token') {
    super(because);
    this.code = code;
  }
}

/**
 * Take the digits of a QR apart; the signature is not checked here.
 *
 * @param {string} digits what follows `/Q/`
 * @returns {{kid: string, payload: Uint8Array, signature: Uint8Array, claims: object}} `kid` in hexadecimal; the claims:
 *   `ref` (10 bytes), `typedCode`, `issuedAt` and `expiresAt` (seconds since 1970; `expiresAt` null without an end),
 *   `subject` (USCC or null), `typeNumber`, `version`, `listIndex`, `holderName` (or null)
 * @throws {NoToken}
 */
export function parseDigits(digits) {
  if (typeof digits !== 'string') throw new NoToken('it is not text');
  if ([...digits].length > MAX_DIGITS) throw new NoToken('more than 700 digits', 'token_too_long');
  if (!/^[1-9][0-9]*$/.test(digits)) throw new NoToken('it is not digits');
  const hex = BigInt(digits).toString(16);
  const bytes = fromHex(hex.length % 2 ? `0${hex}` : hex);
  if (bytes[0] !== MARK) throw new NoToken('its first byte is not 1');
  return parseCose(bytes.subarray(1));
}

function parseCose(raw) {
  const parts = load(raw);
  const [shield, header, payload, signature] = Array.isArray(parts) && parts.length === 4 ? parts : [];
  const kid = header instanceof Map ? header.get(KID) : undefined;
  if (![shield, kid, payload, signature].every(part => part instanceof Uint8Array) || !same(shield, PROTECTED)) {
    throw new NoToken('it is not the COSE_Sign1 agreed on');
  }
  if (kid.length !== KID_BYTES || signature.length !== SIGNATURE_BYTES) {
    throw new NoToken('its key id or signature has the wrong length');
  }
  const claims = parseClaims(payload);
  const again = encode([PROTECTED, new Map([[KID, kid]]), encodeClaims(claims), signature]);
  if (!same(again, raw)) throw new NoToken('it is not the one spelling');
  return {kid: toHex(kid), payload, signature, claims};
}

function parseClaims(payload) {
  const table = load(payload);
  const known = table instanceof Map && [...table.keys()].every(key => [SUB, EXP, IAT, CTI, DETAIL].includes(key));
  if (!known || ![CTI, IAT, DETAIL].every(key => table.has(key))) throw new NoToken('its claims are not those agreed on');
  const detail = table.get(DETAIL);
  if (!Array.isArray(detail) || detail.length !== 4) throw new NoToken('its certificate detail is wrong');
  const [typeNumber, version, listIndex, holderName] = detail;
  const inRange = within(typeNumber, 1, MAX_TYPE) && within(version, 1, MAX_VERSION) && within(listIndex, 0, MAX_INDEX - 1);
  if (!inRange || !(holderName === null || fits(holderName))) {
    throw new NoToken('its certificate detail is out of range');
  }
  const ref = table.get(CTI);
  if (!(ref instanceof Uint8Array) || ref.length !== REF_BYTES) throw new NoToken('its reference is wrong');
  return {
    ref,
    typedCode: typedCode(ref),
    issuedAt: instant(table.get(IAT)),
    expiresAt: table.has(EXP) ? instant(table.get(EXP)) : null,
    subject: table.has(SUB) ? subject(table.get(SUB)) : null,
    typeNumber,
    version,
    listIndex,
    holderName,
  };
}

function encodeClaims(claims) {
  const table = new Map();
  if (claims.subject !== null) table.set(SUB, claims.subject);
  if (claims.expiresAt !== null) table.set(EXP, claims.expiresAt);
  table.set(IAT, claims.issuedAt).set(CTI, claims.ref);
  table.set(DETAIL, [claims.typeNumber, claims.version, claims.listIndex, claims.holderName]);
  return encode(table);
}

function load(bytes) {
  try {
    return decode(bytes);
  } catch {
    throw new NoToken('it is not CBOR');
  }
}

const within = (value, least, most) => Number.isSafeInteger(value) && value >= least && value <= most;

function fits(name) {
  if (typeof name !== 'string') return false;
  const length = [...name].length;
  return length >= 1 && length <= MAX_NAME && new TextEncoder().encode(name).length <= MAX_NAME_BYTES;
}

function instant(value) {
  if (!within(value, 0, LAST_SECOND)) throw new NoToken('its time is wrong');
  return value;
}

// GB 32100-2015 with the organisation code of GB 11714-1997 in it: both check characters.
function subject(value) {
  const wrong = new NoToken('its unified social credit code is wrong');
  if (typeof value !== 'string' || !USCC.test(value) || value.length !== 18) throw wrong;
  let weight = 1, total = 0;
  for (const character of value.slice(0, 17)) {
    total += USCC_ALPHABET.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  const inner = ORGANISATION_WEIGHTS.reduce((sum, times, at) => sum + ALPHABET_36.indexOf(value[8 + at]) * times, 0);
  const agrees = value[17] === USCC_ALPHABET[(31 - (total % 31)) % 31] && value[16] === '0123456789X0'[11 - (inner % 11)];
  if (!agrees) throw wrong;
  return value;
}

/** The 17 characters in print: 16 of base32 and the check character (Luhn mod 32), in groups of four. */
export function typedCode(ref) {
  const value = BigInt(`0x${toHex(ref)}`);
  let code = '', sum = 0;
  for (let place = 0; place < 16; place += 1) {
    const digit = Number((value >> BigInt(75 - 5 * place)) & 31n);
    code += CODE_ALPHABET[digit];
    const addend = place % 2 ? 2 * digit : digit;
    sum += addend > 31 ? addend - 31 : addend;
  }
  return `${code}${CODE_ALPHABET[(32 - (sum % 32)) % 32]}`.match(/.{1,4}/g).join('-');
}

/** The status list a token's index is in: `<type number>-<year>q<quarter>`, by the day in Beijing it was issued. */
export function listOf(claims) {
  const day = new Date((claims.issuedAt + BEIJING_S) * 1000);
  return `${claims.typeNumber}-${day.getUTCFullYear()}q${Math.floor(day.getUTCMonth() / 3) + 1}`;
}

/**
 * Who signed it. Key ids may collide, so every key that has the id is tried.
 *
 * @param {object} token from `parseDigits`
 * @param {Array<{kid: string, key: CryptoKey, notBefore: number, notAfter: number, compromised: boolean}>} keys see
 *   `importKey`; instants in seconds since 1970
 * @returns {Promise<{outcome: 'passed'|'failed'|'unknown', reason: string}>} the reasons are those of
 *   tests/vectors/qr/README.md; unknown with `compromised_key`, whose tokens only the register can tell apart
 */
export async function checkToken(token, keys) {
  const candidates = keys.filter(key => key.kid === token.kid);
  if (!candidates.length) return {outcome: 'failed', reason: 'unknown_key'};
  const signedBy = await Promise.all(candidates.map(({key}) => isSignedBy(token, key)));
  const signers = candidates.filter((_, place) => signedBy[place]);
  if (!signers.length) return {outcome: 'failed', reason: 'signature_wrong'};
  const {issuedAt} = token.claims;
  const inTerm = signers.filter(({notBefore, notAfter}) => notBefore <= issuedAt && issuedAt <= notAfter);
  if (!inTerm.length) return {outcome: 'failed', reason: 'signed_outside_key_term'};
  if (inTerm.every(({compromised}) => compromised)) return {outcome: 'unknown', reason: 'compromised_key'};
  return {outcome: 'passed', reason: 'signed_by_us'};
}

async function isSignedBy(token, key) {
  if (BigInt(`0x${toHex(token.signature.subarray(32))}`) > HALF_ORDER) return false;
  const signed = encode(['Signature1', PROTECTED, new Uint8Array(0), token.payload]);
  return crypto.subtle.verify(ES256, key, token.signature, signed);
}

/** A public key on P-256 from its SubjectPublicKeyInfo (DER), and its key id: 4 bytes of SHA-256, in hexadecimal. */
export async function importKey(spki) {
  const key = await crypto.subtle.importKey('spki', spki, P256, false, ['verify']);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', spki));
  return {key, kid: toHex(digest.subarray(0, KID_BYTES))};
}

export const toHex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

export function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], pair => parseInt(pair, 16));
}

function same(one, other) {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}
