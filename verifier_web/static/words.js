// Words stand in the page, in its language, by code; here they are only chosen, filled in and put in their places.

const BEIJING = 'Asia/Shanghai';
const MINUTE = 60, HOUR = 3600, LONGEST_AGE_IN_HOURS = 48;

/** The words of this page: the JSON in its `<template id="said">`. */
export const said = JSON.parse(document.querySelector('#said').content.textContent);

/** `{name}` in a text replaced. */
export const fill = (text, values) => text.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** A date in Beijing as in a sentence: 2026年11月23日, 23 November 2026. */
export function day(seconds) {
  const parts = {day: 'numeric', month: 'long', year: 'numeric', timeZone: BEIJING};
  return new Intl.DateTimeFormat(said.locale, parts).format(seconds * 1000);
}

/** Date and time in Beijing. */
export function moment(seconds) {
  const time = {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone: BEIJING};
  return fill(said.moment, {day: day(seconds), time: new Intl.DateTimeFormat('en-GB', time).format(seconds * 1000)});
}

/** How long ago, in words; from 48 hours on the date. */
export function age(seconds, now) {
  const counted = (unit, n) => (n === 1 ? said.age[unit] : fill(said.age[`${unit}s`], {n}));
  if (seconds < MINUTE) return said.age.now;
  if (seconds < HOUR) return counted('minute', Math.floor(seconds / MINUTE));
  if (seconds < LONGEST_AGE_IN_HOURS * HOUR) return counted('hour', Math.floor(seconds / HOUR));
  return fill(said.age.since, {day: day(now - seconds)});
}

/** What a type number is called: the title, and the Chinese one beside a translated one. */
export const kindOf = number => said.kinds[number] ?? [fill(said.unknown_kind, {n: number})];

/** A list by its name, in words. */
export function listTitle(name) {
  const [, number, year, q] = /^(\d+)-(\d{4})q(\d)$/.exec(name);
  return `${kindOf(number)[0]}${said.separator}${fill(said.quarter_of, {year, q})}`;
}

/** A copy of a `<template>` of the page. */
export const copyOf = id => document.querySelector(`#${id}`).content.cloneNode(true);

/** Put a text at the place of this name; without a text the place goes. */
export function put(root, name, text) {
  const place = root.querySelector(`[data-put=${name}]`);
  if (text) place.textContent = text;
  else place.remove();
}

/** Texts as items of the list of this name. */
export function putAll(root, name, texts) {
  const place = root.querySelector(`[data-put=${name}]`);
  place.replaceChildren(...texts.map(text => Object.assign(document.createElement('li'), {textContent: text})));
}

/** The shape of this name in place of the one there. */
export function putIcon(root, name, icon) {
  root.querySelector(`[data-icon=${name}] use`).setAttribute('href', `#i-${icon}`);
}
