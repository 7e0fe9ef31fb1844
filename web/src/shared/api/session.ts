/** Who is signed in, and the access token of requests. */

import { signal } from "@preact/signals";
import { address } from "../base";
import { offline, problemOf } from "./problems";
import type { components } from "./schema";

export type User = components["schemas"]["UserAnswer"];

/** The signed-in user; null: nobody; undefined: not known yet. */
export const user = signal<User | null | undefined>(undefined);

let accessToken: string | null = null;

type Send = (request: Request) => Promise<Response>;

/** Send a request with the session's access token, if there is one. */
export async function authorized(request: Request, send: Send): Promise<Response> {
  if (accessToken) request.headers.set("Authorization", `Bearer ${accessToken}`);
  return send(request);
}

/** Find the session that this browser has, if any. To be called once, at the start. */
export async function startSession(): Promise<void> {
  user.value = null;
}

/** Sign in. Args: code: of the second factor, if the account has one. Throws: ApiProblem. */
export async function signIn(email: string, password: string, code?: string): Promise<void> {
  const response = await post("api/auth/login", { email, password, ...(code && { code }) });
  const body = (await response.json()) as components["schemas"]["TokenAnswer"];
  accessToken = body.access_token;
  user.value = body.user;
}

/** Create an account and sign in. Throws: ApiProblem. */
export async function signUp(email: string, password: string, name: string): Promise<void> {
  await post("api/auth/signup", { email, password, name });
  await signIn(email, password);
}

/** Sign out here. */
export async function signOut(): Promise<void> {
  await post("api/auth/logout", {}).catch(() => {});
  accessToken = null;
  user.value = null;
}

async function post(path: string, body: unknown): Promise<Response> {
  const headers = {
    "Content-Type": "application/json",
    ...(accessToken && { Authorization: `Bearer ${accessToken}` }),
  };
  const response = await fetch(address(path), { method: "POST", headers, body: JSON.stringify(body) }).catch(
    (error) => {
      throw offline(error);
    },
  );
  if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
  return response;
}
