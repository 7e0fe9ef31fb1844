/** Instants and durations of records, to the millisecond, by the operator's own clock. */

import { number } from "../../shared/format";
import { locale, text } from "../../shared/i18n/i18n";

/** Return an instant (ISO 8601) with seconds and the name of the time zone. `precise`: with milliseconds. */
export function instant(iso: string, { precise = false } = {}): string {
  return new Intl.DateTimeFormat(locale.value, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    ...(precise && { fractionalSecondDigits: 3 as const }),
  }).format(new Date(iso));
}

/** Return a duration in milliseconds as text: milliseconds below a second, then seconds, then minutes. */
export function duration(ms: number): string {
  if (ms < 1000) return text("records.milliseconds", { value: number(ms) });
  if (ms < 120_000)
    return text("records.seconds", { value: number(ms / 1000, { maximumFractionDigits: 2 }) });
  return text("records.minutes", { value: number(ms / 60_000, { maximumFractionDigits: 1 }) });
}

/** Return the instant of a datetime-local field, which is by the operator's clock; null if it is none. */
export function instantOf(field: string): string | null {
  const ms = Date.parse(field);
  return field === "" || Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** Return an instant as a datetime-local field writes it; "" if it is none. */
export function fieldOf(iso: string | null): string {
  const at = new Date(iso ?? Number.NaN);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
