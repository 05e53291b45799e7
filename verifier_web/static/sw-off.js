// Served at /sw.js in place of the worker when verifying without network is switched off: a browser that has an earlier
// one gets this, drops everything stored, and has none afterwards.

addEventListener('install', () => skipWaiting());

addEventListener('activate', event => event.waitUntil(leave()));

async function leave() {
  for (const name of await caches.keys()) await caches.delete(name);
  await registration.unregister();
}
