/** Pages by path: the address bar says where one is, back and forward work, and links open in a new tab. */

import { computed, signal } from "@preact/signals";
import type { ComponentChildren, ComponentType } from "preact";
import { address, basePath } from "./base";

export type Params = Readonly<Record<string, string>>;

/** A page. `path`: segments, of which those with a colon are parameters, such as "/shows/:showId". */
export interface Route {
  readonly path: string;
  readonly page: ComponentType<{ params: Params }>;
}

const here = signal(new URL(window.location.href));
window.addEventListener("popstate", () => {
  here.value = new URL(window.location.href);
});

/** The path below the installation's base, such as "/shows/7". */
export const path = computed(() => `/${here.value.pathname.slice(basePath.length).replace(/\/$/, "")}`);
/** The query. Change it by `setQuery`. */
export const query = computed(() => here.value.searchParams);

/** Go to a path of ours, such as "/shows/7?day=2027-01-01". `replace`: without an entry in the history. */
export function navigate(to: string, { replace = false } = {}): void {
  window.history[replace ? "replaceState" : "pushState"](null, "", address(to));
  const before = path.value;
  here.value = new URL(window.location.href);
  if (path.value !== before) window.scrollTo(0, 0);
}

/** Set or (null) remove parameters of the query, in place: filters are part of a page, not pages of their own. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const next = new URLSearchParams(query.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  navigate(path.value + (text ? `?${text}` : ""), { replace: true });
}

/** Return the parameters of a path if it fits the pattern, otherwise null. */
export function match(pattern: string, tried: string): Params | null {
  const wanted = pattern.split("/");
  const found = tried.split("/");
  if (wanted.length !== found.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = found[index] ?? "";
    if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return null;
  }
  return params;
}

/** Show the first page whose path fits. `below`: the prefix of all paths, such as "/console". */
export function Routes(props: { routes: readonly Route[]; otherwise: ComponentType; below?: string }) {
  for (const { path: pattern, page: Page } of props.routes) {
    const params = match((props.below ?? "") + (pattern === "/" && props.below ? "" : pattern), path.value);
    if (params) return <Page key={path.value} params={params} />;
  }
  return <props.otherwise />;
}

export interface LinkProps {
  readonly to: string;
  readonly class?: string;
  readonly current?: boolean;
  readonly label?: string;
  readonly children: ComponentChildren;
}

/** A link to a path of ours. */
export function Link({ to, class: className, current, label, children }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a
      href={address(to)}
      class={className}
      aria-current={current ? "page" : undefined}
      aria-label={label}
      onClick={follow}
    >
      {children}
    </a>
  );
}
