/**
 * The service worker of the storefront: it opens, and shows what it has seen, while the network is down.
 *
 * The page itself is kept ahead, in a cache of its own for each build. Answers of the public catalogue are kept as they
 * come, and used only when the network gives none. Nothing is kept that a signed-in reader asked for.
 */

import { FILES_KEPT, isCatalogue, isPage } from "./rules";

declare const SHELL: readonly string[];
/** Differs between any two builds whose files do. */
declare const VERSION: string;
declare const self: ServiceWorkerGlobalScope;

const PAGES = `onsale-pages-${VERSION}`;
const CATALOGUE = "onsale-catalogue";
/** How long a page may take before the kept one is shown instead. */
const PATIENCE_MS = 3_000;
const base = new URL(self.registration.scope).pathname;
const files = new Set(SHELL.map((path) => base + path));

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(PAGES).then((cache) => cache.addAll([base, ...files])));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(removeOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (isPage(pathname, base)) event.respondWith(page(request));
  } else if (files.has(pathname)) {
    event.respondWith(file(request));
  } else if (isCatalogue(pathname, base) && !request.headers.has("Authorization")) {
    event.respondWith(catalogue(request));
  }
});

/** Remove what earlier builds kept. */
async function removeOthers(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("onsale-pages-") && name !== PAGES);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** A page: from the network, or if that fails or takes long, the kept one, which finds its way by the address. */
async function page(request: Request): Promise<Response> {
  const fresh = fetch(request);
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined));
  const answer = await Promise.race([fresh, late]).catch(() => undefined);
  if (answer && answer.status < 500) return answer;
  const known = await caches.match(base, { cacheName: PAGES, ignoreVary: true });
  return known ?? answer ?? fresh;
}

/** A file of this build: its name changes with its contents. */
async function file(request: Request): Promise<Response> {
  const known = await caches.match(request, { cacheName: PAGES, ignoreVary: true });
  return known ?? fetch(request);
}

/** An answer of the catalogue: from the network, or if that fails, the last one. */
async function catalogue(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    if (answer.ok) await remember(request, answer.clone());
    return answer;
  } catch (error) {
    const known = await caches.match(request, { cacheName: CATALOGUE, ignoreVary: true });
    if (known) return known;
    throw error;
  }
}

/** Keep an answer, and forget the oldest of too many. A full disk keeps nothing, and breaks nothing. */
async function remember(request: Request, answer: Response): Promise<void> {
  try {
    const cache = await caches.open(CATALOGUE);
    await cache.put(request, answer);
    const requests = await cache.keys();
    await Promise.all(requests.slice(0, -FILES_KEPT).map((each) => cache.delete(each)));
  } catch {
    // The network's answer is at hand all the same.
  }
}
