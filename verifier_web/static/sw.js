// The worker a browser keeps for the time without network. Answers come from the network; what is stored is shown only
// when there is none, and says so on its face. Stored are the files of one version, all or none of them (see store.js for
// keys and lists). Nothing of a certificate that was looked at is ever stored.
//
// Taking it back: `/sw.js` is asked for anew at every visit. A newer version takes over at once, and the setting
// `offline.worker = false` puts sw-off.js in its place, which drops everything stored and goes.

import {base, files, languages, version} from './shell.js';
import {keepList, refresh} from './store.js';
import {listNeeded} from './verify-offline.js';

const PREFIX = 'shell-', SHELL = PREFIX + version;
const PATIENCE_MS = 6000, PATIENCE_WHEN_ASKED_AGAIN_MS = 25000, REFRESH_AFTER_MS = 5 * 60 * 1000;
const PAGES = ['/scan', '/offline'], LOOSE = {ignoreVary: true};
const HURRIED = /^\/($|Q\/|C\/|P\/|scan$|offline$)/i;

addEventListener('install', event => event.waitUntil(store().then(() => skipWaiting())));

// Pages wait for a worker that is taking over: it asks nothing of the network before it has.
addEventListener('activate', event => event.waitUntil(takeOver().then(() => { refreshWhatIsOpen().catch(() => {}); })));

addEventListener('fetch', event => {
  const {request} = event, url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') event.respondWith(answer(event, url));
  else if (files.includes(url.pathname)) event.respondWith(keptFile(request));
});

async function store() {
  const cache = await caches.open(SHELL);
  await Promise.all(files.map(async path => cache.put(path, await file(path))));
}

/** A file as it may be stored: of this version, from this host, and not one that asked never to be stored. */
async function file(path) {
  const isPage = path.includes('?');
  const response = await fetch(path, {cache: isPage ? 'no-cache' : 'default', redirect: 'error'});
  const mayBeKept = response.ok && !/no-store/.test(response.headers.get('Cache-Control') ?? '');
  const isOurs = !isPage || (await response.clone().text()).includes(base);
  if (!mayBeKept || !isOurs) throw new Error(`${path} is not to be stored`);
  return response;
}

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter(name => name.startsWith(PREFIX) && name !== SHELL).map(name => caches.delete(name)));
  await registration.navigationPreload?.enable();
  await clients.claim();
}

async function refreshWhatIsOpen() {
  const open = await clients.matchAll({type: 'window'});
  await refreshNow(...open.map(({url}) => new URL(url)));
}

/** Files are named by their content, so a stored one is as good as a fetched one. */
async function keptFile(request) {
  return (await (await caches.open(SHELL)).match(request, LOOSE)) ?? fetch(request);
}

async function answer(event, url) {
  const patience = !HURRIED.test(url.pathname) ? Infinity
    : ['reload', 'no-cache'].includes(event.request.cache) ? PATIENCE_WHEN_ASKED_AGAIN_MS : PATIENCE_MS;
  try {
    const response = await inTime(fromNetwork(event), patience);
    if (response.ok) event.waitUntil(refreshNow(url).catch(() => {}));
    return response;
  } catch {
    return (await storedPage(url)) ?? Response.error();
  }
}

async function fromNetwork(event) {
  return (await event.preloadResponse) ?? fetch(event.request);
}

function inTime(promise, patience) {
  if (patience === Infinity) return promise;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in time')), patience);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The page that answers without network, in the language asked for. */
async function storedPage(url) {
  const path = PAGES.includes(url.pathname) ? url.pathname : `${base}answer`;
  return (await caches.open(SHELL)).match(`${path}?lang=${language(url.searchParams.get('lang'))}`, LOOSE);
}

/** The code of a language: the one asked for, else the first that the reader has and we speak, else the first of ours. */
function language(asked) {
  const codes = languages.map(([code]) => code);
  if (codes.includes(asked)) return asked;
  const found = navigator.languages.map(wanted => codeFor(new Intl.Locale(wanted).maximize()));
  return found.find(Boolean) ?? codes[0];
}

/** Ours in that language, and in that script if there is one. */
function codeFor(wanted) {
  const ours = languages.map(([code, tag]) => [code, new Intl.Locale(tag).maximize()]);
  const spoken = ours.filter(([, locale]) => locale.language === wanted.language);
  return (spoken.find(([, locale]) => locale.script === wanted.script) ?? spoken[0])?.[0];
}

let refreshedAt = 0;

/** In the background: the list of a certificate that is looked at, and every few minutes all that is kept. */
async function refreshNow(...seen) {
  const now = Date.now();
  if (navigator.connection?.saveData) return;
  if (now - refreshedAt > REFRESH_AFTER_MS) {
    refreshedAt = now;
    await refresh(now / 1000);
  }
  for (const {pathname, origin} of seen) {
    const name = pathname.startsWith('/Q/') ? listNeeded(origin + pathname) : null;
    if (name) await keepList(name, now / 1000);
  }
}
