// A terminal that many use forgets what was typed and shown, a minute after it was last touched.
const place = document.querySelector("[data-terminal]");
const left = document.querySelector("[data-left]");
const print = document.querySelector("[data-print]");
const end = document.querySelector("[data-end]");
const file = document.querySelector("[data-file]");
let until = 0;
let tab = null;

const stay = () => { until = Date.now() + Number(place.dataset.seconds) * 1000; };
const forget = () => {
  if (tab) tab.close();
  for (const each of document.forms) each.reset();
  location.replace(place.dataset.terminal);
};

stay();
for (const touch of ["pointerdown", "keydown", "touchstart"]) addEventListener(touch, stay, { passive: true });
setInterval(() => {
  const seconds = Math.ceil((until - Date.now()) / 1000);
  const fields = [...document.querySelectorAll("input:not([type=hidden])")];
  if (left) left.textContent = left.dataset.left.replace("{n}", String(Math.max(seconds, 0)));
  if (seconds <= 0 && (left || fields.some((each) => each.value))) forget();
}, 1000);
addEventListener("pageshow", (event) => { if (event.persisted) forget(); });
if (end) end.addEventListener("click", (event) => { event.preventDefault(); forget(); });
if (file) {
  file.hidden = false;
  file.addEventListener("submit", () => { tab = open("", file.target); });
}
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
