// A draft saves itself: every so often, when the page is left for another, and when the line is back. What could not be
// saved stays on the page and, until it is saved, in this tab's own storage under the request's id.

const EVERY = 20000, SOON = 400;
const PREFIX = 'entry:';
const form = document.querySelector('form[data-draft]');
const STAYS = new Set(['form_token', 'key', 'seen', 'then']);

const place = PREFIX + form.dataset.draft;
const status = form.querySelector('[data-status]');
let pending = null, flying = null, leaving = false, signedOut = false, last = '';

const say = (text, look) => {
  status.className = `note ${look}`;
  status.lastElementChild.textContent = text;
  status.hidden = !text;
};

// An act of its own, such as a consent, is sent by the button and never by itself.
const pairs = () => [...new FormData(form)].filter(([name]) => {
  const field = form.elements[name];
  return !(field instanceof RadioNodeList ? [...field].some(each => 'act' in each.dataset) : 'act' in field.dataset);
});
const written = () => JSON.stringify(pairs().filter(([name]) => !STAYS.has(name)));
const isDirty = () => written() !== last;

// ---- this tab's storage ----

const keep = () => {
  if (signedOut || !isDirty()) return forget();
  try {
    sessionStorage.setItem(place, JSON.stringify({seen: form.elements.seen.value, written: written()}));
  } catch { /* no room, or none allowed: the page itself still has it */ }
};
const forget = () => { try { sessionStorage.removeItem(place); } catch { /* there is none */ } };

const fill = text => {
  const known = new Map();
  for (const [name, value] of JSON.parse(text)) known.set(name, [...(known.get(name) || []), value]);
  for (const name of new Set([...form.elements].map(each => each.name))) {
    if (!name || STAYS.has(name)) continue;
    const values = known.get(name) || [];
    const list = form.querySelector(`.entries [name="${CSS.escape(name)}"]`)?.closest('.entries');
    if (list) form.dispatchEvent(new CustomEvent('entry-rows', {detail: {list, rows: values.length}}));
    [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)].forEach((field, at) => {
      if ('act' in field.dataset || field.tagName === 'BUTTON') return;
      if (field.type === 'radio' || field.type === 'checkbox') field.checked = values.includes(field.value);
      else field.value = values[at] || '';
    });
  }
  form.dispatchEvent(new Event('entry-filled'));
};

const restore = () => {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(place)); } catch { /* there is none */ }
  if (!kept || kept.seen !== form.elements.seen.value) return forget();  // it was saved since, by the button or elsewhere
  if (kept.written === written()) return forget();
  fill(kept.written);
  say(form.dataset.restored, 'hold');
};

// ---- saving ----

const took = async (answer, attempt) => {
  const said = await answer.json();
  form.elements.seen.value = said.seen;
  form.elements.key.value = said.key;
  [pending, last] = [null, attempt.written];
  keep();
  say(form.dataset.savedAt.replace('{time}', said.at), 'ok');
  return true;
};

const refused = async answer => {
  if (answer.status >= 500) return say(form.dataset.offline, 'hold');  // asked again with the same key
  pending = null;
  if (answer.status === 401 || answer.status === 403) return say(form.dataset.signedOut, 'hold');
  if (answer.status === 412) return say(form.dataset.elsewhere, 'hold');
  const said = await answer.json().catch(() => ({detail: ''}));
  say(form.dataset.notSaved.replace('{said}', said.detail), 'hold');
};

// An attempt whose answer was lost is made again as it was, with its key: the server does it once.
const attempt = async () => {
  pending = pending || {body: new URLSearchParams(pairs()).toString(), written: written()};
  const mine = pending;
  keep();
  try {
    const answer = await fetch(form.action, {
      method: 'POST',
      body: new URLSearchParams(mine.body),
      headers: {Accept: 'application/json'},
    });
    if (answer.ok) return await took(answer, mine);
    await refused(answer);
  } catch {
    say(form.dataset.offline, 'hold');
  }
  return false;
};
const save = () => {
  flying = flying || attempt().finally(() => { flying = null; });
  return flying;
};
const saveIfNeeded = () => { if (!leaving && (pending || isDirty())) save(); };

// ---- when ----

let soon = 0;
form.addEventListener('input', () => {
  clearTimeout(soon);
  soon = setTimeout(keep, SOON);
});
setInterval(saveIfNeeded, Number(form.dataset.every) || EVERY);
addEventListener('online', saveIfNeeded);
addEventListener('offline', () => say(form.dataset.offline, 'hold'));
document.addEventListener('visibilitychange', () => { if (document.hidden) saveIfNeeded(); });

// The button waits for what is under way, so that it is not taken for somebody else's; off the line nothing is sent.
form.addEventListener('submit', async event => {
  const button = event.submitter;
  keep();
  if (!navigator.onLine) {
    event.preventDefault();
    return say(form.dataset.offline, 'hold');
  }
  if (leaving || (!flying && !pending)) {
    leaving = true;
    return undefined;
  }
  event.preventDefault();
  if (await save()) {
    leaving = true;
    form.requestSubmit(button);
  }
  return undefined;
});
addEventListener('pageshow', () => { leaving = false; });
addEventListener('beforeunload', event => {
  keep();
  if (!leaving && isDirty()) {
    event.preventDefault();
    event.returnValue = '';
  }
});
// sign-out.js takes away what is kept; here nothing is kept any more.
document.querySelectorAll('form[action*="/sign-out"]').forEach(each => each.addEventListener('submit', () => {
  leaving = signedOut = true;
}));

last = written();
restore();
