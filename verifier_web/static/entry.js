// The questions of a proof's form: what can be seen to be wrong is said while typing, in the server's words; rows of a
// list are added and removed in place; a question that is not asked, as others are answered, is put away. It never
// stops anything from being sent, and the server says all of this, and more, by itself.

const form = document.querySelector('form[data-entry]');

const named = name => [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
const isPick = field => field.type === 'radio' || field.type === 'checkbox';
const valuesOf = name => named(name)
  .filter(field => !isPick(field) || field.checked).map(field => field.value.trim()).filter(Boolean);
const questionOf = element => element.closest('.field[data-key]');
const tidy = text => text.normalize('NFKC').replace(/\s/g, '').toUpperCase();

// ---- dates and codes ----

const DAY = 86400000;
const dayOf = text => {
  const found = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text.normalize('NFKC').trim());
  if (!found) return null;
  const [year, month, day] = found.slice(1).map(Number);
  const made = new Date(Date.UTC(year, month - 1, day));
  return year >= 1900 && made.getUTCMonth() === month - 1 && made.getUTCDate() === day ? made : null;
};
const yearsAfter = (day, years) => Date.UTC(day.getUTCFullYear() + years, day.getUTCMonth(), day.getUTCDate());

const sum = (text, alphabet, weights) => weights.reduce((all, weight, at) => all + alphabet.indexOf(text[at]) * weight, 0);
const DIGITS = '0123456789', ALPHABET_31 = '0123456789ABCDEFGHJKLMNPQRTUWXY', ALPHABET_36 = DIGITS + 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const CITIZEN = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const USCC = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const ORGANISATION = [3, 7, 9, 10, 5, 8, 4, 2];

const citizenFault = text => {
  if (!/^[1-9][0-9]{16}[0-9X]$/.test(text)) return 'form';
  const [year, month, day] = [text.slice(6, 10), text.slice(10, 12), text.slice(12, 14)].map(Number);
  const made = new Date(Date.UTC(2000, month - 1, day));
  made.setUTCFullYear(year, month - 1, day);
  if (year < 1 || made.getUTCMonth() !== month - 1 || made.getUTCDate() !== day) return 'day';
  return '10X98765432'[sum(text, DIGITS, CITIZEN) % 11] === text[17] ? '' : 'check';
};

const usccFault = text => {
  if (text.length !== 18) return 'form';
  if ([...text].some(each => !ALPHABET_31.includes(each))) return '';  // the server names the character
  const rest = 11 - sum(text.slice(8), ALPHABET_36, ORGANISATION) % 11;
  const isSound = (rest === 10 ? 'X' : String(rest % 11)) === text[16];
  return isSound && ALPHABET_31[(31 - sum(text, ALPHABET_31, USCC) % 31) % 31] === text[17] ? '' : 'check';
};

const KIND_FAULTS = {'111': citizenFault, '001': usccFault};

// ---- checks: each says whether what was typed is at fault ----

const longest = (end, start, most) => end && start && end - start >= most * DAY;
const CHECKS = {
  least: (text, {value}) => [...text].length < value,
  most: (text, {value}) => [...text].length > value,
  whole: text => !/^(0|[1-9]\d{0,14})$/.test(text.normalize('NFKC')),
  minimum: (text, {value}) => Number(text.normalize('NFKC')) < value,
  maximum: (text, {value}) => Number(text.normalize('NFKC')) > value,
  pattern: (text, {value}) => !new RegExp(value, 'u').test(text) && !new RegExp(value, 'u').test(tidy(text)),
  prefix: (text, {value}) => !text.startsWith(value),
  'date.form': text => !dayOf(text),
  not_before: (text, {other}) => dayOf(text) && valuesOf(other).some(start => dayOf(start) > dayOf(text)),
  most_days: (text, {other, value}) => valuesOf(other).some(start => longest(dayOf(text), dayOf(start), value)),
  most_years: (text, {other, value}) => valuesOf(other)
    .some(start => dayOf(text) && dayOf(start) && dayOf(text) >= yearsAfter(dayOf(start), value)),
  count_of: (text, {other}) => valuesOf(other).length > 0 && Number(text) !== valuesOf(other).length,
  code_of_kind: (text, {other}) => valuesOf(other).some(kind => KIND_FAULTS[kind] && KIND_FAULTS[kind](tidy(text))),
};
for (const fault of ['form', 'day', 'check']) {
  CHECKS[`citizen-id.${fault}`] = text => citizenFault(tidy(text)) === fault;
  CHECKS[`uscc.${fault}`] = text => usccFault(tidy(text)) === fault;
}
// Said while one is still typing: what no further character can mend.
const AT_ONCE = new Set(['most', 'maximum', 'citizen-id.check', 'uscc.check', 'count_of']);
const OF_LISTS = {least_items: (many, {value}) => many < value, most_items: (many, {value}) => many > value};

const checksOf = question => JSON.parse(question.dataset.checks);
const nameOf = question => `f.${question.dataset.key}`;

const faultOf = (question, atOnce) => {
  const values = valuesOf(nameOf(question));
  for (const check of checksOf(question)) {
    if (atOnce && !AT_ONCE.has(check.kind)) continue;
    if (check.kind === 'required' ? !values.length && !atOnce : OF_LISTS[check.kind]
      ? values.length && OF_LISTS[check.kind](values.length, check)
      : values.length && CHECKS[check.kind] && CHECKS[check.kind](values[0], check)) return check.said;
  }
  return '';
};

const say = (question, said) => {
  const error = question.querySelector(`#${CSS.escape(`f-${question.dataset.key}-error`)}`);
  if (error.hidden !== !said || error.lastElementChild.textContent !== said) {
    error.lastElementChild.textContent = said;
    error.hidden = !said;
  }
  const fields = named(nameOf(question)).filter(field => !field.closest('.entries'));
  for (const field of fields) if (said) field.setAttribute('aria-invalid', 'true'); else field.removeAttribute('aria-invalid');
};

const questions = () => [...form.querySelectorAll('.field[data-checks]')];
const isSaid = question => !question.querySelector(`#${CSS.escape(`f-${question.dataset.key}-error`)}`).hidden;
const touched = new WeakSet();

// Those whose checks compare with this one: looked at again once they were filled in.
const alsoConcerned = question => questions().filter(each => each !== question && touched.has(each)
  && checksOf(each).some(check => check.other === nameOf(question)));

const typed = question => {
  say(question, faultOf(question, !isSaid(question)));
  for (const each of alsoConcerned(question)) say(each, faultOf(each, false));
};

// ---- conditions ----

const showAsked = () => {
  for (const question of form.querySelectorAll('.field[data-when]')) {
    const isAsked = valuesOf(question.dataset.when).some(value => JSON.parse(question.dataset.values).includes(value));
    question.hidden = !isAsked && !valuesOf(nameOf(question)).length;  // never put away what was typed
  }
};

// ---- long texts have the lines they need ----

const grow = area => { for (let more = 0; more < 20 && area.scrollHeight > area.clientHeight + 2; more += 1) area.rows += 1; };

// ---- rows ----

const renumber = list => [...list.children].forEach((row, at) => {
  const field = row.querySelector('input'), button = row.querySelector('button');
  const [key, old] = button.value.split('.');
  for (const element of [field, button]) {
    element.setAttribute('aria-label', element.getAttribute('aria-label').replace(new RegExp(`(^|\\D)${old}(?!.*\\d)`), `$1${at + 1}`));
  }
  field.id = `f-${key}-${at + 1}`;
  button.value = `${key}.${at + 1}`;
});

const addRow = list => {
  const row = list.lastElementChild.cloneNode(true), field = row.querySelector('input');
  row.querySelectorAll('.error').forEach(each => each.remove());
  field.value = '';
  field.removeAttribute('aria-invalid');
  field.removeAttribute('aria-describedby');
  list.append(row);
  renumber(list);
  return field;
};

const removeRow = button => {
  const row = button.closest('li'), list = row.parentElement;
  if (list.children.length > 1) row.remove(); else row.querySelector('input').value = '';
  renumber(list);
  list.querySelector('input').focus();
  list.dispatchEvent(new Event('input', {bubbles: true}));
};

const pressed = event => {
  const button = event.target.closest('button[name=more], button[name=less]');
  if (!button) return;
  event.preventDefault();
  if (button.name === 'less') removeRow(button);
  else addRow(questionOf(button).querySelector('.entries')).focus();
};

if (form) {
  form.addEventListener('input', event => {
    const field = event.target, question = questionOf(field);
    if (field.matches && field.matches('[data-line]') && field.value.includes('\n')) field.value = field.value.replace(/\s*\n\s*/g, '');
    showAsked();
    if (field.tagName === 'TEXTAREA') grow(field);
    if (question) typed(question);
  });
  form.addEventListener('focusout', event => {
    const question = questionOf(event.target);
    if (!question || question.contains(event.relatedTarget)) return;
    touched.add(question);
    say(question, faultOf(question, false));
  });
  form.addEventListener('click', pressed);
  // Asked by entry-save.js, before it puts back what was typed: a list has as many rows as that needs.
  form.addEventListener('entry-rows', ({detail: {list, rows}}) => { while (list.children.length < rows) addRow(list); });
  const begin = () => {
    showAsked();
    form.querySelectorAll('textarea').forEach(grow);
  };
  form.addEventListener('entry-filled', begin);
  begin();
}
