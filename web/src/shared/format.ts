/** Money, times and durations as the reader's locale writes them. */

import { locale } from "./i18n/i18n";

/** Return an amount in the currency's minor unit as text: 1850 and "EUR" are "€18.50". */
export function money(minor: number, currency: string): string {
  const format = new Intl.NumberFormat(locale.value, { style: "currency", currency });
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** Return an instant (ISO 8601) as date and time in a time zone, which is the hall's: "Fri, 1 Jan 2027, 20:00". */
export function dateAndTime(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale.value, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone,
  }).format(new Date(iso));
}

/** Return an instant's day in a time zone: "Friday, 1 January". */
export function day(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale.value, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone,
  }).format(new Date(iso));
}

/** Return an instant's time of day in a time zone: "20:00". */
export function time(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale.value, { hour: "2-digit", minute: "2-digit", timeZone }).format(
    new Date(iso),
  );
}

/** Return an instant's calendar day in a time zone, as the API's `day` filter writes it: "2027-01-01". */
export function isoDay(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    timeZone,
  }).format(new Date(iso));
}

/** Return seconds as a clock: 125 is "2:05", 3725 "1:02:05". Negative is 0. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((each) => String(each).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${parts.join(":")}` : parts.join(":").replace(/^0/, "");
}

/** Return a number as the locale writes it. */
export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(locale.value, options).format(value);
}
