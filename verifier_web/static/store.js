// What is kept on this device for the time without network: the keys of the verifier, and signed status lists of whole
// types and quarters. Nothing about any one certificate: what was looked at leaves no trace here.

import {MAX_LIST, readList} from './status-list.js';
import {importKeys, readVerifierKeys} from './verify-offline.js';
import {fromBase64url} from './jws.js';

const FACTS = 'facts-1';
const KEYS = '/trust/verifier.json', LISTS = '/status/', CHOSEN = '/offline/chosen';
const LIST_NAME = /^[1-9][0-9]{0,4}-[0-9]{4}q[1-4]$/;
const USABLE = ['read', 'index_out_of_range', 'value_reserved'];
const MOST_LISTS = 40, MOST_AT_ONCE = 12;
const KEYS_FRESH_S = 3600, LIST_FRESH_S = 600, PATIENCE_MS = 20000;

/** The keys kept here and when they were signed, ready for use; null without any, or when they cannot be read. */
export async function keptKeys() {
  const kept = await readText(KEYS);
  if (kept === null) return null;
  try {
    return await importKeys(await readVerifierKeys(kept));
  } catch {
    return null;
  }
}

/** The text of a list kept here, or null. */
export const keptList = name => (LIST_NAME.test(name) ? readText(LISTS + name) : null);

/** The names of the lists that a reader asked to keep. */
export async function chosenLists() {
  try {
    return JSON.parse((await readText(CHOSEN)) ?? '[]').filter(name => LIST_NAME.test(name));
  } catch {
    return [];
  }
}

/** Remember which lists a reader wants. */
export async function choose(names) {
  const cache = await caches.open(FACTS);
  await cache.put(CHOSEN, new Response(JSON.stringify([...new Set(names)].filter(name => LIST_NAME.test(name)))));
}

/** Every list kept here: `{name, issuedAt, expiresAt, bytes}`, by name. */
export async function allLists() {
  const found = await Promise.all((await listNames()).map(async name => {
    const text = await readText(LISTS + name);
    return text === null ? null : {name, bytes: text.length, ...times(text)};
  }));
  return found.filter(Boolean).sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Drop one list, and the wish to keep it. */
export async function dropList(name) {
  await (await caches.open(FACTS)).delete(LISTS + name);
  await choose((await chosenLists()).filter(chosen => chosen !== name));
}

/** Drop everything: keys, lists, choices. */
export const dropAll = () => caches.delete(FACTS);

/**
 * Fetch a list anew unless the one kept is fresh: one of a certificate just seen, or one that was chosen. Only a list
 * that our keys signed takes the place of another, and never an older one.
 * @returns {Promise<boolean>} whether one is kept afterwards
 * @throws {TypeError|DOMException} the network
 */
export async function keepList(name, now, {force = false} = {}) {
  if (!LIST_NAME.test(name)) return false;
  const kept = await readText(LISTS + name), had = kept === null ? null : times(kept);
  if (had && !force && now - had.issuedAt < LIST_FRESH_S) return true;
  const text = await fetchText(LISTS + name, MAX_LIST);
  if (text === null || !(await isOurs(text, name, now))) return had !== null;
  if (!had || isNewer(times(text), had)) await put(LISTS + name, text);
  await keepFew();
  return true;
}

/** Two workers may date lists differently by a moment, and a register that was restored counts anew. */
const isNewer = (one, other) => one.issuedAt >= other.issuedAt || one.sequence > other.sequence;

/**
 * Whether our keys signed a list; a key that is not known here may be a new one, so keys are asked for anew then. Those
 * kept here go on being good until their term is over when none of them signed what is published now: the key for that
 * is another one after a while.
 */
async function isOurs(text, name, now) {
  for (const force of [false, true]) {
    const trouble = await refreshKeys(now, force).catch(error => error);
    const keys = await keptKeys();
    if (trouble && !(keys && trouble instanceof RangeError)) throw trouble;
    const {reason} = keys ? await readList(text, {name, index: 0, now, keys}) : {reason: 'list_key_unknown'};
    if (reason !== 'list_key_unknown') return USABLE.includes(reason);
  }
  return false;
}

/**
 * Bring keys and the lists kept here up to date, unasked a few at once and the oldest first; what cannot be had stays as
 * it is.
 * @returns {Promise<boolean>} whether everything could be had
 */
export async function refresh(now, {force = false} = {}) {
  const kept = await allLists(), missing = (await chosenLists()).filter(name => !kept.some(one => one.name === name));
  const due = kept.filter(({issuedAt}) => force || now - issuedAt >= LIST_FRESH_S);
  due.sort((one, other) => one.issuedAt - other.issuedAt);
  const names = [...missing, ...due.map(({name}) => name)].slice(0, force ? Infinity : MOST_AT_ONCE);
  const done = await Promise.allSettled([refreshKeys(now, force)]);
  for (const name of names) done.push(...(await Promise.allSettled([keepList(name, now, {force})])));
  return done.every(({status}) => status === 'fulfilled');
}

/**
 * Newer keys are taken when one of the keys kept here signed them. Others are taken only where there are none, where
 * those kept are past their term, and in a demonstration, which is made anew all the time.
 */
async function refreshKeys(now, force) {
  const kept = await keptKeys();
  if (kept && !force && now - kept.issuedAt < KEYS_FRESH_S) return;
  const text = await fetchText(KEYS, MAX_LIST);
  if (text === null) return;
  const isBound = kept !== null && now < kept.expiresAt && !kept.isDemonstration;
  const claims = await readVerifierKeys(text, isBound ? kept : undefined);
  await importKeys(claims);
  if (!kept || claims.iat > kept.issuedAt) await put(KEYS, text);
}

/** The oldest of the lists that nobody chose go first. */
async function keepFew() {
  const chosen = await chosenLists();
  const others = (await allLists()).filter(({name}) => !chosen.includes(name));
  others.sort((one, other) => other.issuedAt - one.issuedAt);
  const cache = await caches.open(FACTS);
  for (const {name} of others.slice(MOST_LISTS)) await cache.delete(LISTS + name);
}

async function listNames() {
  const cache = await caches.open(FACTS);
  const paths = (await cache.keys()).map(({url}) => new URL(url).pathname);
  return paths.filter(path => path.startsWith(LISTS)).map(path => path.slice(LISTS.length));
}

/** When a list says it was signed, until when it holds, and its number; whether it is ours is asked when it is used. */
function times(text) {
  try {
    const {iat, exp, sequence} = JSON.parse(new TextDecoder().decode(fromBase64url(text.split('.')[1])));
    return Number.isSafeInteger(iat) && Number.isSafeInteger(exp) ? {issuedAt: iat, expiresAt: exp, sequence} : null;
  } catch {
    return null;
  }
}

async function readText(path) {
  const cache = await caches.open(FACTS);
  return (await (await cache.match(path))?.text()) ?? null;
}

async function put(path, text) {
  await (await caches.open(FACTS)).put(path, new Response(text));
}

/** The text at an address of ours, at most `most` characters; null for every answer that is not to be kept. */
async function fetchText(path, most) {
  const response = await fetch(path, {signal: AbortSignal.timeout(PATIENCE_MS), cache: 'no-cache', redirect: 'error'});
  const mayBeKept = response.ok && !/no-store/.test(response.headers.get('Cache-Control') ?? '');
  if (!mayBeKept) return null;
  const reader = response.body.pipeThrough(new TextDecoderStream('utf-8', {fatal: true})).getReader();
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    if (text.length > most) {
      await reader.cancel();
      return null;
    }
  }
  return text;
}
