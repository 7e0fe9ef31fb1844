import { address, basePath } from "../shared/base";

/** Let the service worker keep this page for when there is no network. Browsers that have none do without. */
export function keepForOffline(): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker
    .register(address("worker.js"), { scope: basePath, updateViaCache: "none" })
    .catch(() => {});
}
