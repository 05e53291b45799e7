// Photos made smaller before they are sent; for officials also several files at once, and how far it has come. Without
// this one file is sent at a time as it is, by the same form.

const SIDE = 2600; // pixels; small print of an A4 page can be read
const SMALL_ENOUGH = 1.5 * 1024 * 1024;
const PREVIEW = 320;

const form = document.querySelector('form[data-evidence]');
const input = form.elements.file;
const chosen = form.querySelector('[data-chosen]');
const wrong = form.querySelector('[data-wrong]');
const progress = form.querySelector('[data-progress]');
const button = form.querySelector('button.main');
const words = form.dataset;
let waiting = []; // {file, key, line}

const put = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const say = text => {
  wrong.querySelector('span').textContent = text;
  wrong.hidden = !text;
};
const freshKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), each => each.toString(16).padStart(2, '0')).join('');

const drawn = (picture, side) => {
  const factor = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * factor));
  canvas.height = Math.max(1, Math.round(picture.height * factor));
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff'; // what is transparent shows the paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
};

// A browser that cannot read a picture sends it as it is: what it is worth is for the server to say.
const opened = file => (file.type.startsWith('image/') ? createImageBitmap(file).catch(() => null) : null);

const smaller = async file => {
  const picture = await opened(file);
  if (!picture || (file.size <= SMALL_ENOUGH && Math.max(picture.width, picture.height) <= SIDE)) return file;
  const made = await new Promise(done => drawn(picture, SIDE).toBlob(done, 'image/jpeg', 0.85));
  return made && made.size < file.size ? made : file;
};

const lineOf = async file => {
  const line = document.createElement('li');
  const name = document.createElement('b');
  name.textContent = file.name;
  const picture = await opened(file);
  const instead = document.createElement('span');
  instead.textContent = file.type === 'application/pdf' ? 'PDF' : '';
  line.append(picture ? drawn(picture, PREVIEW) : instead, name);
  return line;
};

const choose = async () => {
  const files = Array.from(input.files);
  say(files.length > Number(words.room) ? put(words.tooMany, {n: words.room}) : '');
  waiting = files.map(file => ({file, key: freshKey(), line: null}));
  const mine = waiting;
  for (const each of mine) each.line = await lineOf(each.file);
  if (mine !== waiting) return; // others were chosen meanwhile
  chosen.textContent = '';
  chosen.append(...mine.map(each => each.line));
  chosen.hidden = !mine.length;
};

const isTooLarge = file => file.size > Number(words.most);

const send = (body, told) => new Promise((done, failed) => {
  const request = new XMLHttpRequest();
  request.open('POST', form.action);
  request.setRequestHeader('Accept', 'application/json');
  request.responseType = 'json';
  request.upload.addEventListener('progress', event => told(event.loaded / event.total));
  request.addEventListener('load', () => (request.status < 300 && request.response ? done(request.response)
    : failed(new Error(request.response?.detail ?? words.broken))));
  for (const end of ['error', 'timeout', 'abort']) request.addEventListener(end, () => failed(new Error(words.broken)));
  request.send(body);
});

const bodyOf = async (each, alone) => {
  const content = await smaller(each.file);
  if (isTooLarge(content)) throw new Error(put(words.tooLarge, {name: each.file.name}));
  const body = new FormData();
  for (const name of ['form_token', 'seen']) body.set(name, form.elements[name].value);
  body.set('key', each.key);
  body.set('name', alone ? form.elements.name.value : '');
  body.set('file', content, each.file.name);
  return body;
};

const sendAll = async () => {
  const all = waiting.length;
  const label = progress.querySelector('label');
  const bar = progress.querySelector('progress');
  while (waiting.length) {
    const place = all - waiting.length;
    label.textContent = put(words.sending, {n: place + 1, of: all});
    const answer = await send(await bodyOf(waiting[0], all === 1), part => { bar.value = (place + part) / all; });
    form.elements.seen.value = answer.version;
    waiting.shift().line?.remove();
  }
};

const submitSeveral = async event => {
  if (!waiting.length || !crypto.getRandomValues) return; // the browser sends the form as it does without us
  event.preventDefault();
  if (waiting.length > Number(words.room)) return;
  say('');
  progress.hidden = false;
  button.disabled = true;
  try {
    await sendAll();
    const next = new URL(form.action);
    next.searchParams.set('done', 'added');
    location.assign(next);
  } catch (error) {
    say(error.message);
    input.required = false; // what is still to be sent is known here
    progress.hidden = true;
    button.disabled = false;
  }
};

const submitOne = async event => {
  event.preventDefault();
  const [file] = input.files;
  try {
    const instead = new DataTransfer();
    instead.items.add(new File([await smaller(file)], file.name));
    input.files = instead.files;
  } catch {
    // an old browser sends it as it is
  }
  if (isTooLarge(input.files[0])) say(put(words.tooLarge, {name: file.name}));
  else form.submit();
};

if (words.evidence === 'one') {
  input.addEventListener('change', () => say(''));
  form.addEventListener('submit', submitOne);
} else {
  input.multiple = true;
  input.addEventListener('change', choose);
  form.addEventListener('submit', submitSeveral);
}
