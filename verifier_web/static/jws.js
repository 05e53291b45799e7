// Signed JSON (RFC 7515), ES256 alone: base64url without a second spelling, one header expected, one key that signed.

const ES256 = {name: 'ECDSA', hash: 'SHA-256'}, P256 = {name: 'ECDSA', namedCurve: 'P-256'};
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const HEADER_MEMBERS = 'alg kid typ x5c';
const SIGNATURE_BYTES = 64, MOST_CERTIFICATES = 4;
const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

/**
 * @param {string} text base64url without padding
 * @returns {Uint8Array}
 * @throws {SyntaxError} anything else, also bits set after the last byte
 */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new SyntaxError('it is not base64url');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const again = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  if (again !== text) throw new SyntaxError('it is not the one spelling of base64url');
  return Uint8Array.from(binary, character => character.charCodeAt(0));
}

/**
 * The parts of a JWS in compact form; the signature is not checked here.
 * @param {string} compact
 * @param {string} type the `typ` it must have; `alg`, `kid` and `x5c` must be there too, and nothing else
 * @returns {{kid: string, readClaims: function(): object, signature: Uint8Array, signed: Uint8Array}}
 * @throws {SyntaxError|TypeError} it is not that
 */
export function splitJws(compact, type) {
  const [, head, body, signature] = COMPACT.exec(compact) ?? [];
  if (!head) throw new SyntaxError('it is not three parts in base64url');
  const header = readObject(head);
  const {alg, kid, typ, x5c} = header;
  const known = Object.keys(header).sort().join(' ') === HEADER_MEMBERS && alg === 'ES256' && typ === type;
  if (!known || typeof kid !== 'string' || !isChain(x5c)) throw new SyntaxError('it is not the header agreed on');
  return {
    kid,
    readClaims: () => readObject(body),
    signature: fromBase64url(signature),
    signed: new TextEncoder().encode(`${head}.${body}`),
  };
}

/** Whether `key` (from `importJwk`) made the signature of what `splitJws` gave. */
export async function isSignedBy({signature, signed}, key) {
  return signature.length === SIGNATURE_BYTES && crypto.subtle.verify(ES256, key, signature, signed);
}

/** A public key on P-256 from its JWK. */
export async function importJwk({kty, crv, x, y}) {
  return crypto.subtle.importKey('jwk', {kty, crv, x, y}, P256, false, ['verify']);
}

function readObject(part) {
  const value = JSON.parse(utf8.decode(fromBase64url(part)));
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new SyntaxError('it is no object');
  return value;
}

function isChain(value) {
  return Array.isArray(value) && value.length >= 1 && value.length <= MOST_CERTIFICATES && value.every(item => typeof item === 'string');
}
