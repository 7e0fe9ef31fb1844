/** The service worker: the page opens, and shows what it has seen, while the network is down. */

declare const SHELL: readonly string[];
declare const self: ServiceWorkerGlobalScope;

export {};

const NAME = `onsale-${SHELL.join().length}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll([".", ...SHELL])));
});
