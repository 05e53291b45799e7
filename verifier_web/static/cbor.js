// The little of CBOR (RFC 8949) that tokens are written in: whole numbers, bytes, text, arrays, maps, null.
// Read loosely here and written in the one deterministic way (section 4.2.1): who compares both has refused every
// other spelling.

const UINT = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5;
const NULL = 0xf6;
const MAX_DEPTH = 4, MAX_ITEMS = 16;
const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

/**
 * One item and nothing after it. Maps come back as `Map`, bytes as `Uint8Array`, numbers as safe integers.
 * @param {Uint8Array} bytes
 * @throws {RangeError|TypeError} it is not that
 */
export function decode(bytes) {
  const reader = {bytes, at: 0};
  const value = item(reader, 0);
  if (reader.at !== bytes.length) throw new RangeError('bytes after the end');
  return value;
}

function take(reader, count) {
  const end = reader.at + count;
  if (end > reader.bytes.length) throw new RangeError('cut short');
  const taken = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return taken;
}

function argument(reader, short) {
  if (short < 24) return short;
  if (short > 27) throw new RangeError('a length that is not definite');
  const value = take(reader, 1 << (short - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
  if (!Number.isSafeInteger(value)) throw new RangeError('a number too large');
  return value;
}

function item(reader, depth) {
  if (depth > MAX_DEPTH) throw new RangeError('too deep');
  const [head] = take(reader, 1);
  if (head === NULL) return null;
  const kind = head >> 5;
  if (kind > MAP) throw new RangeError('a kind of item that no token has');
  const value = argument(reader, head & 31);
  switch (kind) {
    case UINT: return value;
    case NEGATIVE: return -1 - value;
    case BYTES: return take(reader, value).slice();
    case TEXT: return utf8.decode(take(reader, value));
    default: return items(reader, kind, value, depth + 1);
  }
}

function items(reader, kind, count, depth) {
  if (count > MAX_ITEMS) throw new RangeError('too many items');
  const next = () => item(reader, depth);
  if (kind === ARRAY) return Array.from({length: count}, next);
  return new Map(Array.from({length: count}, () => [next(), next()]));
}

/**
 * The deterministic encoding; a map's keys must be in their order already.
 * @param {null|number|string|Uint8Array|Array|Map} value
 * @returns {Uint8Array}
 */
export function encode(value) {
  if (value === null) return Uint8Array.of(NULL);
  if (typeof value === 'number') return value < 0 ? head(NEGATIVE, -1 - value) : head(UINT, value);
  if (typeof value === 'string') {
    const text = new TextEncoder().encode(value);
    return joined(head(TEXT, text.length), text);
  }
  if (value instanceof Uint8Array) return joined(head(BYTES, value.length), value);
  if (value instanceof Map) return joined(head(MAP, value.size), ...[...value].flat().map(encode));
  return joined(head(ARRAY, value.length), ...value.map(encode));
}

function head(kind, value) {
  if (value < 24) return Uint8Array.of((kind << 5) | value);
  const size = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
  const bytes = new Uint8Array(1 + size);
  bytes[0] = (kind << 5) | (24 + Math.log2(size));
  for (let place = size, rest = value; place > 0; place -= 1) {
    bytes[place] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
