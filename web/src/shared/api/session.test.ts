import { beforeEach, describe, expect, it, vi } from "vitest";

const store = new Map<string, string>();
const channels: Channel[] = [];

class Channel {
  readonly listeners: ((event: { data: unknown }) => void)[] = [];
  constructor(readonly name: string) {
    channels.push(this);
  }
  addEventListener(_: string, listener: (event: { data: unknown }) => void) {
    this.listeners.push(listener);
  }
  postMessage(data: unknown) {
    for (const other of channels)
      if (other !== this) for (const listener of other.listeners) listener({ data });
  }
}

/** One lock for all tabs, as a browser has. */
let tail: Promise<unknown> = Promise.resolve();
const locks = {
  request: (_: string, work: () => Promise<unknown>) => {
    const result = tail.then(work);
    tail = result.catch(() => {});
    return result;
  },
};
const localStorage = {
  getItem: (name: string) => store.get(name) ?? null,
  setItem: (name: string, value: string) => store.set(name, value),
  removeItem: (name: string) => store.delete(name),
};
vi.stubGlobal("document", { baseURI: "http://localhost/" });
vi.stubGlobal("window", { localStorage });
vi.stubGlobal("navigator", { locks, languages: ["en"] });
vi.stubGlobal("BroadcastChannel", Channel);

/** The server: a cookie with a generation, tokens of it, and what it was asked. */
const server = { generation: 0, signedIn: false, down: false, expiresIn: 900, asked: [] as string[] };
const tokens = () => ({
  access_token: `token-${server.generation}`,
  expires_in: server.expiresIn,
  refresh_token: null,
  must_enrol: false,
  user: { id: "u", name: "Robin", email: "r@example.com", role: "user", created_at: "" },
});
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });
vi.stubGlobal("fetch", async (request: Request) => {
  const path = new URL(request.url).pathname;
  server.asked.push(path);
  if (server.down) throw new TypeError("network down");
  if (path === "/api/auth/login") server.signedIn = true;
  if (path === "/api/auth/logout") {
    server.signedIn = false;
    return new Response(null, { status: 204 });
  }
  if (!server.signedIn || !request.headers.has("X-Session-Cookie"))
    return json(401, { code: "refresh_invalid" });
  server.generation += 1;
  return json(200, tokens());
});

const tab = async () => {
  vi.resetModules();
  return import("./session");
};
/** The API: accepts the newest token only. */
const send = async (request: Request) =>
  new Response(null, {
    status: request.headers.get("Authorization") === `Bearer token-${server.generation}` ? 200 : 401,
  });
const get = () => new Request("http://localhost/api/auth/profile");

describe("a session", () => {
  beforeEach(() => {
    store.clear();
    channels.length = 0;
    Object.assign(server, { generation: 0, signedIn: false, down: false, expiresIn: 900, asked: [] });
  });

  it("asks for nothing where nobody has signed in", async () => {
    const page = await tab();
    await page.startSession();
    expect(page.user.value).toBeNull();
    expect(server.asked).toEqual([]);
  });

  it("is found again by the next page, and nothing of it is in the storage", async () => {
    await (await tab()).signIn("r@example.com", "secret");
    const next = await tab();
    await next.startSession();
    expect(next.user.value?.name).toBe("Robin");
    expect([...store.values()].join()).not.toContain("token");
    expect((await next.authorized(get(), send)).status).toBe(200);
  });

  it("is refreshed once for two tabs whose tokens have ended", async () => {
    const first = await tab();
    await first.signIn("r@example.com", "secret");
    const second = await tab();
    await second.startSession();
    server.asked.length = 0;
    server.generation += 1; // as if the token had been revoked
    const answers = await Promise.all([first.authorized(get(), send), second.authorized(get(), send)]);
    expect(answers.map((each) => each.status)).toEqual([200, 200]);
    expect(server.asked).toEqual(["/api/auth/session"]);
  });

  it("is refreshed before its token ends", async () => {
    server.expiresIn = 10;
    const page = await tab();
    await page.signIn("r@example.com", "secret");
    server.expiresIn = 900;
    expect((await page.authorized(get(), send)).status).toBe(200);
    expect(server.asked).toEqual(["/api/auth/login", "/api/auth/session"]);
  });

  it("survives a network that is down", async () => {
    await (await tab()).signIn("r@example.com", "secret");
    server.down = true;
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const page = await tab();
    await page.startSession();
    expect(page.user.value).toBeNull();
    server.down = false;
    await vi.runOnlyPendingTimersAsync();
    vi.useRealTimers();
    await vi.waitFor(() => expect(page.user.value?.name).toBe("Robin"));
  });

  it("ends in every tab when one signs out", async () => {
    const first = await tab();
    await first.signIn("r@example.com", "secret");
    const second = await tab();
    await second.startSession();
    await second.signOut();
    expect([first.user.value, second.user.value]).toEqual([null, null]);
  });

  it("says that it has ended elsewhere", async () => {
    const page = await tab();
    await page.signIn("r@example.com", "secret");
    server.signedIn = false;
    server.generation += 1;
    expect((await page.authorized(get(), send)).status).toBe(401);
    expect(page.user.value).toBeNull();
    expect(page.sessionEnded.value).toBe(true);
  });
});
