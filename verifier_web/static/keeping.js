// The page on verifying without network: what is kept on this device, and choosing what else to keep.

import * as store from './store.js';
import {copyOf, fill, listTitle, moment, put, said} from './words.js';

const MIB = 1024 * 1024;
const find = id => document.getElementById(id);
const now = () => Date.now() / 1000;

let shown = Promise.resolve();

/** What is kept now. In turn: of two that read at once, the one that ends last might have read first. */
function showKept() {
  shown = shown.catch(() => {}).then(async () => {
    await showKeys();
    await showLists();
  });
  return shown;
}

async function showKeys() {
  const keys = await store.keptKeys();
  const text = !keys ? said.keys_none : now() < keys.expiresAt ? said.keys : said.keys_old;
  find('keys').textContent = fill(text, keys ? {at: moment(keys.issuedAt), until: moment(keys.expiresAt)} : {});
}

async function showLists() {
  const lists = await store.allLists();
  find('lists-title').textContent = lists.length ? fill(said.lists_title, {n: lists.length}) : said.lists_none;
  find('lists').replaceChildren(...lists.map(row));
}

function row({name, issuedAt, expiresAt, bytes}) {
  const item = copyOf('list-row'), title = listTitle(name);
  put(item, 'name', title);
  const text = now() < expiresAt ? said.list_text : said.list_old;
  put(item, 'text', fill(text, {at: moment(issuedAt), until: moment(expiresAt), size: size(bytes)}));
  const button = item.querySelector('button');
  button.setAttribute('aria-label', fill(said.drop_of, {name: title}));
  button.addEventListener('click', () => store.dropList(name).then(showKept));
  return item;
}

const size = bytes => (bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`);

async function keep(event) {
  event.preventDefault();
  const form = new FormData(event.target), name = `${form.get('kind')}-${form.get('quarter')}`;
  const [code] = await Promise.allSettled([store.keepList(name, now(), {force: true})]);
  const isKept = code.status === 'fulfilled' && code.value;
  if (isKept) await store.choose([...(await store.chosenLists()), name]);
  await say(isKept ? said.kept : code.status === 'fulfilled' ? said.no_such : said.failed);
}

async function refresh() {
  await say((await store.refresh(now(), {force: true})) ? said.refreshed : said.failed);
}

async function forget() {
  await store.dropAll();
  await say(said.forgotten);
}

/** Says what was done, once it shows; if it cannot be shown, all the same. */
async function say(done) {
  try {
    await showKept();
  } finally {
    find('done').textContent = done;
  }
}

/** The quarters of the last five years, the newest first, by the day in Beijing. */
function offerQuarters() {
  const today = new Date(Date.now() + 8 * 3600 * 1000);
  let year = today.getUTCFullYear(), q = Math.floor(today.getUTCMonth() / 3) + 1;
  for (let count = 0; count < 20; count += 1) {
    find('quarter').add(new Option(fill(said.quarter_of, {year, q}), `${year}q${q}`));
    [year, q] = q === 1 ? [year - 1, 4] : [year, q - 1];
  }
}

async function start() {
  if (!navigator.serviceWorker) {
    find('ready').textContent = said.no_worker;
    return;
  }
  find('ready').textContent = navigator.serviceWorker.controller ? said.ready : said.not_ready;
  offerQuarters();
  find('choose').addEventListener('submit', keep);
  find('refresh').addEventListener('click', refresh);
  find('forget').addEventListener('click', forget);
  await showKept().catch(() => {});
  find('manage').hidden = false;  // with all of it there, so that nothing moves away from under a finger
  await navigator.serviceWorker.ready;
  find('ready').textContent = said.ready;
  await store.refresh(now());
  await showKept();
}

await start();
