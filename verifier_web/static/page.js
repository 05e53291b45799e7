// Optional: every page says and does the same without it.

const STALE_AFTER = 10 * 60 * 1000;

// A result speaks for one moment. Clocks differ, so count from when this page was opened, asleep or not.
const opened = Date.now();
const note = document.querySelector('.stale');
const age = () => { note.hidden = Date.now() - opened < STALE_AFTER; };
if (note) {
  setInterval(age, 30000);
  addEventListener('pageshow', age);
  document.addEventListener('visibilitychange', age);
}

// After a mistake, take the reader to what is wrong.
document.querySelector('.summary[role=alert]')?.focus();

// A file dropped anywhere on the page lands in its ordinary input; without script it must be dropped on the input.
const input = document.querySelector('.drop');
addEventListener('dragover', event => {
  if (!event.dataTransfer.types.includes('Files')) return;
  event.preventDefault();
  input.classList.add('over');
});
for (const end of ['dragleave', 'drop']) addEventListener(end, () => input.classList.remove('over'));
addEventListener('drop', event => {
  if (!event.dataTransfer.files.length || event.target === input) return;
  event.preventDefault();
  input.files = event.dataTransfer.files;
  input.form.querySelector('button').focus();
});

// The worker for the time without network, once the page is there; its address is the only one trusted types let through.
const worker = globalThis.trustedTypes?.createPolicy('worker', {createScriptURL: () => '/sw.js'}).createScriptURL('');
addEventListener('load', () => navigator.serviceWorker?.register(worker ?? '/sw.js', {type: 'module'}).catch(() => {}));
