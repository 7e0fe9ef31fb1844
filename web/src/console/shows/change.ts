/** A show's settings as the form's texts, and the change that the operator's texts amount to. Pure. */

import type { components } from "../../shared/api/schema";

type Show = components["schemas"]["ShowAnswer"];
export type Change = components["schemas"]["ShowChange"];
export type Texts = Readonly<Record<string, string>>;

/** The settings that are whole numbers. */
export const NUMBERS = [
  "seats_per_user",
  "hold_s",
  "hold_extension_s",
  "offer_s",
  "waiting_list_max",
] as const;
/** Instants in ISO 8601 with a zone. */
export const INSTANTS = ["sales_open_at", "sales_close_at"] as const;
const PRICE = "price.";

/** Return the settings as texts; prices in the currency's unit, such as "18.50". */
export function textsOf(show: Show, exponent: number): Texts {
  const texts: Record<string, string> = {};
  for (const name of NUMBERS) texts[name] = String(show[name]);
  for (const name of INSTANTS) texts[name] = show[name] ?? "";
  for (const [category, minor] of Object.entries(show.prices))
    texts[PRICE + category] = (minor / 10 ** exponent).toFixed(exponent);
  return texts;
}

/** Return the names of the texts that are not what their setting needs. */
export function faultsOf(texts: Texts, exponent: number): readonly string[] {
  return Object.entries(texts)
    .filter(([name, value]) => !isRight(name, value.trim(), exponent))
    .map(([name]) => name);
}

function isRight(name: string, value: string, exponent: number): boolean {
  if (name.startsWith(PRICE)) return minorOf(value, exponent) !== null;
  if ((INSTANTS as readonly string[]).includes(name))
    return value === "" || (/(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value)));
  return /^\d{1,6}$/.test(value);
}

/** Return an amount in the minor unit: "18.5" or "18,50" is 1850. Null: not an amount, or too fine. */
export function minorOf(value: string, exponent: number): number | null {
  const [, whole, part = ""] = /^(\d{1,9})(?:[.,](\d+))?$/.exec(value) ?? [];
  if (whole === undefined || part.length > exponent) return null;
  return Number(whole + part.padEnd(exponent, "0"));
}

/** Return what differs; null: nothing. Prices are sent all together, as the API replaces them. */
export function changeOf(show: Show, texts: Texts, exponent: number): Change | null {
  const before = textsOf(show, exponent);
  const differs = (name: string) => (texts[name] ?? "").trim() !== before[name];
  const change: Change = {};
  for (const name of NUMBERS) if (differs(name)) change[name] = Number(texts[name]);
  for (const name of INSTANTS) {
    const value = texts[name]?.trim();
    if (value && differs(name)) change[name] = value;
  }
  const prices: Record<string, number> = {};
  for (const category of Object.keys(show.prices))
    prices[category] = minorOf((texts[PRICE + category] ?? "").trim(), exponent) ?? 0;
  if (Object.entries(prices).some(([category, minor]) => minor !== show.prices[category]))
    change.prices = prices;
  return Object.keys(change).length ? change : null;
}
