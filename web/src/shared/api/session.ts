/**
 * Who is signed in, and the access token of requests.
 *
 * The refresh token is in a cookie that no script can read (`X-Session-Cookie`); the access token is in memory only,
 * and lives for minutes. Tabs share the cookie: a lock of the browser lets one at a time refresh, and the one that did
 * tells the others the new token. Signing out in one tab signs out all.
 */

import { signal } from "@preact/signals";
import { address } from "../base";
import { keep, kept } from "../kept";
import { ApiProblem, offline, problemOf } from "./problems";
import type { components } from "./schema";

type Tokens = components["schemas"]["TokenAnswer"];
export type User = components["schemas"]["UserAnswer"];

/** The signed-in user; null: nobody; undefined: not known yet. */
export const user = signal<User | null | undefined>(undefined);
/** The account must add a second factor before it can do anything else. */
export const mustEnrol = signal(false);
/** The session ended without the user's doing: elsewhere, or because its time was over. */
export const sessionEnded = signal(false);

interface Access {
  readonly token: string;
  /** By performance.timeOrigin + performance.now(): a steady clock that tabs share, whatever the reader's clock says. */
  readonly until: number;
}

type News =
  | { readonly kind: "tokens"; readonly tokens: Tokens; readonly until: number }
  | { readonly kind: "out" };
type Send = (request: Request) => Promise<Response>;

/** Kept if this browser may have a session: without it, a page load asks for nothing. */
const HINT = "signed-in";
const LOCK = "onsale-session";
/** A token is replaced this long before it ends. */
const EARLY_MS = 15_000;
const AGAIN_MS = 3_000;

let access: Access | null = null;
const others = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(LOCK);
others?.addEventListener("message", (event: MessageEvent<News>) => {
  if (event.data.kind === "tokens") take(event.data.tokens, event.data.until);
  else clear();
});

const now = () => performance.timeOrigin + performance.now();
const isFresh = (given: Access | null): given is Access => given !== null && given.until - now() > EARLY_MS;

/** Send a request with the session's access token, if there is one; if that has ended, with the next. */
export async function authorized(request: Request, send: Send): Promise<Response> {
  if (access === null) return send(request);
  if (!isFresh(access)) await refreshed(access).catch(() => {});
  const used = access;
  if (used === null) return send(request);
  const again = request.clone();
  const response = await send(withToken(request, used));
  if (response.status !== 401) return response;
  // Revoked or ended early, for example by a restart with another secret: once more with the next token, if any.
  const next = await refreshed(used);
  return next ? send(withToken(again, next)) : response;
}

function withToken(request: Request, { token }: Access): Request {
  request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

/** Find the session that this browser has, if any. To be called once, at the start. */
export async function startSession(): Promise<void> {
  if (kept(HINT) !== null) await refreshed(null).catch(tryLater);
  user.value ??= null;
}

/** The server did not answer: the page shows what needs no session, and asks again until it does. */
function tryLater(): void {
  setTimeout(() => {
    if (access === null && kept(HINT) !== null) refreshed(null).catch(tryLater);
  }, AGAIN_MS);
}

/** Sign in. Args: code: of the second factor, if the account has one. Throws: ApiProblem. */
export async function signIn(email: string, password: string, code?: string): Promise<void> {
  await opened("api/auth/login", { email, password, ...(code && { code }) });
}

/** Create an account and sign in. Throws: ApiProblem. */
export async function signUp(email: string, password: string, name: string): Promise<void> {
  await opened("api/auth/signup", { email, password, name });
}

/** Take the tokens of an answer that ends all other sessions, such as that to a new password. */
export function takeTokens(tokens: Tokens): void {
  spread(tokens);
}

/** Sign out here, in every tab. Throws: ApiProblem: nobody was signed out. */
export async function signOut(): Promise<void> {
  await ended("POST", "api/auth/logout");
}

/** Sign out everywhere. Throws: ApiProblem: nobody was signed out. */
export async function signOutEverywhere(): Promise<void> {
  await ended("DELETE", "api/auth/sessions");
}

/** Forget a session that has ended, in every tab. */
export function forgetSession(): void {
  clear();
  others?.postMessage({ kind: "out" } satisfies News);
}

async function ended(method: string, path: string): Promise<void> {
  const response = await authorized(new Request(address(path), { method }), (request) => asked(request));
  if (!response.ok && response.status !== 401)
    throw problemOf(response, await response.json().catch(() => null));
  forgetSession();
}

async function opened(path: string, body: unknown): Promise<void> {
  spread(await tokensFrom(path, body));
  sessionEnded.value = false;
}

/**
 * Return a token other than `used`: another tab's, or from the server. Null: there is no session any more.
 *
 * Throws: ApiProblem: the server did not say. The session is kept, and the next request tries again.
 */
async function refreshed(used: Access | null): Promise<Access | null> {
  return locked(async () => {
    // While this tab waited for the lock, another has told its tokens.
    if (access !== used && isFresh(access)) return access;
    try {
      spread(await tokensFrom("api/auth/session", null));
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
      sessionEnded.value = user.value !== undefined && user.value !== null;
      forgetSession();
    }
    return access;
  });
}

/** Run one refresh at a time in all tabs, where the browser has locks (not over plain HTTP except on localhost). */
async function locked<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}

async function tokensFrom(path: string, body: unknown): Promise<Tokens> {
  const headers = { "X-Session-Cookie": "1", ...(body !== null && { "Content-Type": "application/json" }) };
  const init = { method: "POST", headers, ...(body !== null && { body: JSON.stringify(body) }) };
  const response = await asked(new Request(address(path), init));
  if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
  return (await response.json()) as Tokens;
}

async function asked(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    throw offline(error);
  }
}

/** Take tokens, and tell the other tabs. */
function spread(tokens: Tokens): void {
  const until = now() + tokens.expires_in * 1000;
  take(tokens, until);
  others?.postMessage({ kind: "tokens", tokens, until } satisfies News);
}

function take(tokens: Tokens, until: number): void {
  access = { token: tokens.access_token, until };
  mustEnrol.value = tokens.must_enrol;
  if (user.value?.id !== tokens.user.id || user.value.name !== tokens.user.name) user.value = tokens.user;
  keep(HINT, "1");
}

function clear(): void {
  access = null;
  user.value = null;
  keep(HINT, null);
}
