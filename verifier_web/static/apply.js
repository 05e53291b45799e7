// The QR of a slip has the code in the fragment of its address, which no server sees: it goes into the form, and out of
// the address.
const form = document.querySelector("[data-code]");
const code = location.hash.slice(1);
if (form && /^P-[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}$/i.test(code)) {
  form.elements.namedItem("code").value = code;
  history.replaceState(null, "", location.pathname + location.search);
  (form.elements.namedItem("secret") || form.querySelector("button")).focus();
}
