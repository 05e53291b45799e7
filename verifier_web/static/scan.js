// Scanning on the page, where the browser has a camera for it and a barcode detector. Where it has not, the page says so
// and shows the other ways: no button that does nothing. The picture never leaves the device.

import {NoToken, digitsOf, parseDigits} from './verify-offline.js';
import {fill, said} from './words.js';

const LOOK_EVERY_MS = 200;
const MAX_TEXT = 1000;
const find = id => document.getElementById(id);
const video = find('view');
let stream = null, detector = null;

/** The address of an answer for what a QR holds, or what to say of it. */
function addressOf(text) {
  let url;
  try {
    url = new URL(text.slice(0, MAX_TEXT));
  } catch {
    return {problem: said.not_ours};
  }
  if (!/^https?:$/.test(url.protocol)) return {problem: said.not_ours};
  if (![location.host, ...said.hosts].includes(url.host)) return {problem: fill(said.other_host, {host: url.host})};
  try {
    parseDigits(digitsOf(url.origin + url.pathname));
  } catch (error) {
    if (!(error instanceof NoToken)) throw error;
    return {problem: said.not_ours};
  }
  return {address: `/Q/${digitsOf(url.origin + url.pathname)}${location.search}`};
}

/** Whether one of the codes leads to an answer; otherwise the first problem is said. */
function follow(codes) {
  const found = codes.map(({rawValue}) => addressOf(rawValue));
  const good = found.find(({address}) => address);
  if (good) location.assign(good.address);
  else if (found.length) say(found[0].problem);
  return Boolean(good);
}

async function open() {
  say(said.looking);
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}, audio: false});
  } catch (error) {
    return giveUp(error.name === 'NotAllowedError' || error.name === 'SecurityError' ? said.denied : said.no_camera);
  }
  video.srcObject = stream;
  toggle(true);
  video.play().catch(() => {});  // interrupted when the camera is closed at once
  await watch();
}

async function watch() {
  while (stream) {
    const codes = await detector.detect(video).catch(() => []);
    if (stream && follow(codes)) return close();
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function close() {
  stream?.getTracks().forEach(track => track.stop());
  stream = null;
  video.srcObject = null;
  toggle(false);
}

function toggle(isOpen) {
  video.hidden = !isOpen;
  find('stop').hidden = !isOpen;
  find('start').hidden = isOpen;
}

/** No camera after all: its button goes, the reason stays. */
function giveUp(reason) {
  find('start').hidden = true;
  say(reason);
}

async function readPhoto(event) {
  const [photo] = event.target.files;
  if (!photo) return;
  say(said.looking);
  try {
    const picture = await createImageBitmap(photo);
    const codes = await detector.detect(picture);
    picture.close();
    if (!codes.length) say(said.photo_none);
    follow(codes);
  } catch {
    say(said.photo_none);
  }
}

const say = text => { find('state').textContent = text; };

async function canRead() {
  const formats = await globalThis.BarcodeDetector?.getSupportedFormats().catch(() => []);
  return formats?.includes('qr_code') ?? false;
}

async function start() {
  if (!(await canRead())) return giveUp(said.no_detector);
  detector = new BarcodeDetector({formats: ['qr_code']});
  find('photo').hidden = false;
  find('picture').addEventListener('change', readPhoto);
  if (!isSecureContext) return giveUp(said.insecure);
  if (!navigator.mediaDevices?.getUserMedia) return giveUp(said.no_camera);
  find('start').hidden = false;
  find('start').addEventListener('click', open);
  find('stop').addEventListener('click', () => { close(); say(''); });
  addEventListener('pagehide', close);
}

await start();
