import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { serverNow } from "../../shared/server_clock";
import { type Sale, type Show, saleOf } from "../browse/sale";

const LOOK_MS = 500;

/** Return the state of a show's sale, as the server's time goes on. */
export function useSale(show: Show): Sale {
  const now = useSignal(serverNow());
  useEffect(() => {
    const timer = setInterval(() => {
      const next = serverNow();
      if (saleOf(show, next).kind !== saleOf(show, now.value).kind) now.value = next;
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [show]);
  return saleOf(show, now.value);
}
