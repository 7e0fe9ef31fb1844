import { beforeEach, describe, expect, it, vi } from "vitest";

vi.stubGlobal("document", { baseURI: "http://localhost/" });
vi.stubGlobal("navigator", { languages: ["en"] });
const store = new Map<string, string>();
vi.stubGlobal("window", {
  location: { href: "http://localhost/" },
  addEventListener: () => {},
  localStorage: {
    getItem: (name: string) => store.get(name) ?? null,
    setItem: (name: string, value: string) => store.set(name, value),
    removeItem: (name: string) => store.delete(name),
  },
});
const sent: Request[] = [];
let answers: (() => Response)[] = [];
vi.stubGlobal("fetch", async (request: Request) => {
  sent.push(request.clone());
  const answer = answers.shift();
  if (!answer) throw new TypeError("network down");
  return answer();
});
const { begin, openAttempt, send } = await import("./attempts");

const REQUEST = { show_id: 7, seats: ["A1"], hold: true } as Parameters<typeof begin>[0];
const json = (status: number, body: unknown) => () =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

describe("an attempt", () => {
  beforeEach(() => {
    store.clear();
    sent.length = 0;
    answers = [];
  });

  it("keeps its key while its answer is not known, and sends it again", async () => {
    const attempt = begin(REQUEST, "me");
    await expect(send(attempt)).rejects.toMatchObject({ code: "offline" });
    const again = begin(REQUEST, "me");
    answers = [json(202, { id: "b" })];

    expect((await send(again)).id).toBe("b");

    expect(sent.map((each) => each.headers.get("Idempotency-Key"))).toEqual([attempt.key, attempt.key]);
    expect(openAttempt(7, "me")).toBeNull();
  });

  it("is kept when the server cannot say whether it was accepted", async () => {
    answers = [json(503, { code: "accept_unknown", detail: "" })];
    await expect(send(begin(REQUEST, "me"))).rejects.toMatchObject({ code: "accept_unknown" });
    expect(openAttempt(7, "me")).not.toBeNull();
  });

  it("is forgotten when it is refused for good: what follows is another request", async () => {
    const first = begin(REQUEST, "me");
    answers = [json(409, { code: "seat_taken", detail: "", seats: ["A1"] })];
    await expect(send(first)).rejects.toMatchObject({ code: "seat_taken" });
    expect(begin(REQUEST, "me").key).not.toBe(first.key);
  });

  it("is not continued when its sender may have given it up", () => {
    const first = begin(REQUEST, "me", 0);
    expect(openAttempt(7, "me", 599_000)?.key).toBe(first.key);
    expect(openAttempt(7, "me", 600_000)).toBeNull();
    expect(begin(REQUEST, "me", 600_000).key).not.toBe(first.key);
  });

  it("has a key also where the page came without TLS", () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    expect(begin(REQUEST, "me").key).toMatch(/^\w+(-\w+){3}$/);
  });

  it("has another key for other seats, and is nobody else's", () => {
    const first = begin(REQUEST, "me");
    expect(openAttempt(7, "somebody else")).toBeNull();
    expect(begin({ ...REQUEST, seats: ["A2"] } as typeof REQUEST, "me").key).not.toBe(first.key);
  });
});
