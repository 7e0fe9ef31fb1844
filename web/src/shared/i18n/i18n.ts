/** Texts in the reader's language: a message by its key, with values and plural forms. */

import { computed, signal } from "@preact/signals";
import { keep, kept } from "../kept";

/** A text, or a text for each plural form of `{n}` (CLDR: one, few, many, other ...). */
export type Message = string | Readonly<Record<string, string>>;
export type Messages = Readonly<Record<string, Message>>;
export type Values = Readonly<Record<string, string | number>>;

/** An application's texts: English at once, other languages when they are chosen. */
export interface Catalogue {
  readonly en: Messages;
  readonly load: (tag: string) => Promise<Messages>;
}

/** Mirrors every text and writes it from right to left: the standard pseudo-locale for testing layouts. */
export const PSEUDO = "en-XB";
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur", PSEUDO]);
const KEY = "language";

const tag = signal("en");
const loaded = signal<Messages>({});
let catalogue: Catalogue = { en: {}, load: async () => ({}) };

/** The language in use (BCP 47), also for numbers and dates. */
export const language = computed(() => tag.value);
/** The tag for Intl: the reader's region, where it speaks the language in use. */
export const locale = computed(() => {
  if (tag.value === PSEUDO) return "en";
  return (
    navigator.languages.find((each) => each === tag.value || each.startsWith(`${tag.value}-`)) ?? tag.value
  );
});
export const direction = computed(() => (RIGHT_TO_LEFT.has(tag.value) ? "rtl" : "ltr"));

/** Use an application's texts, in the language that was chosen before, or the first that the browser prefers. */
export async function startLanguage(texts: Catalogue): Promise<void> {
  catalogue = texts;
  const asked = new URLSearchParams(window.location.search).get("lang");
  await setLanguage(asked ?? kept(KEY) ?? preferred(navigator.languages), { remember: asked !== null });
}

/** Return the first of the wanted languages that there is; English if there is none. */
export function preferred(wanted: readonly string[], available: readonly string[] = LANGUAGES): string {
  for (const each of wanted) {
    const found =
      available.find((tag) => tag === each) ?? available.find((tag) => tag === each.split("-")[0]);
    if (found) return found;
  }
  return "en";
}

/** Change the language. A language that cannot be loaded changes nothing. */
export async function setLanguage(wanted: string, { remember = true } = {}): Promise<void> {
  if (wanted !== PSEUDO && !LANGUAGES.includes(wanted)) return;
  try {
    loaded.value = wanted === "en" || wanted === PSEUDO ? {} : await catalogue.load(wanted);
  } catch {
    return;
  }
  tag.value = wanted;
  document.documentElement.lang = wanted;
  document.documentElement.dir = direction.value;
  if (remember) keep(KEY, wanted);
}

/** Return the text for a key. A text that a language lacks is in English; a key that nobody knows is itself. */
export function text(key: string, values: Values = {}): string {
  const message = loaded.value[key] ?? catalogue.en[key];
  if (message === undefined) return key;
  const filled = fill(message, values, locale.value);
  return tag.value === PSEUDO ? `\u202e${filled}\u202c` : filled;
}

/** Return whether there is a text for a key. */
export function hasText(key: string): boolean {
  return catalogue.en[key] !== undefined;
}

/** Return a message with its values, numbers written as the locale does. `n` chooses the plural form. */
export function fill(message: Message, values: Values, locale: string): string {
  const chosen = typeof message === "string" ? message : plural(message, Number(values.n ?? 0), locale);
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : value;
  });
}

function plural(forms: Readonly<Record<string, string>>, n: number, locale: string): string {
  const exact = forms[`=${n}`];
  return exact ?? forms[new Intl.PluralRules(locale).select(n)] ?? forms.other ?? "";
}
