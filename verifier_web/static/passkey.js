// Passkeys in forms with data-passkey: asks us what is to be signed, has the device sign it, sends the form.

const unpack = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), each => each.charCodeAt(0));
const pack = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/[+/]/g, each => (each === '+' ? '-' : '_')).replace(/=+$/, '');

const known = list => (list ?? []).map(each => ({...each, id: unpack(each.id)}));

const asked = options => ({
  ...options,
  challenge: unpack(options.challenge),
  ...(options.user && {user: {...options.user, id: unpack(options.user.id)}}),
  ...(options.allowCredentials && {allowCredentials: known(options.allowCredentials)}),
  ...(options.excludeCredentials && {excludeCredentials: known(options.excludeCredentials)}),
});

const answered = ({rawId, type, response}) => {
  const parts = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]) parts[name] = pack(response[name]);
  }
  return JSON.stringify({id: pack(rawId), rawId: pack(rawId), type, response: parts});
};

// What we are told to say what is to be signed: the rest of the form comes when it is sent.
const SENT = ['form_token', 'digest', 'password', 'code'];

class Refused extends Error {}

const optionsOf = async form => {
  const body = new URLSearchParams();
  for (const name of SENT) if (form.elements[name]) body.set(name, form.elements[name].value);
  const answer = await fetch(form.dataset.options, {method: 'POST', body, headers: {Accept: 'application/json'}});
  const said = await answer.json();
  if (!answer.ok) throw new Refused(said.detail);
  return asked(said);
};

const sign = async form => {
  const publicKey = await optionsOf(form);
  const made = form.dataset.passkey === 'create'
    ? await navigator.credentials.create({publicKey})
    : await navigator.credentials.get({publicKey});
  form.elements.passkey.value = answered(made);
  form.submit();
};

const use = form => {
  const button = form.querySelector('button[type=button]');
  const note = form.querySelector('[data-said]');
  button.addEventListener('click', async () => {
    if (form.dataset.passkey === 'create' && !form.reportValidity()) return;
    note.hidden = button.disabled = true;
    try {
      await sign(form);
    } catch (error) {
      // the device's own words are in no language of ours, and say less
      note.querySelector('span').textContent = error instanceof Refused ? error.message : note.dataset.said;
      note.hidden = false;
      button.disabled = false;
    }
  });
  form.hidden = button.hidden = false;
};

if (globalThis.PublicKeyCredential) document.querySelectorAll('form[data-passkey]').forEach(use);
