import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("navigator", { languages: ["de-AT", "en"] });
const { fill, preferred } = await import("./i18n");
type Texts = Record<string, string | Record<string, string>>;

const folder = new URL("../../../languages/", import.meta.url);
const read = (tag: string, part: string): Texts =>
  JSON.parse(readFileSync(new URL(`${tag}/${part}`, folder), "utf8"));
const values = (message: Texts[string] | undefined) =>
  new Set(
    JSON.stringify(message ?? "")
      .match(/\{\w+\}/g)
      ?.filter((each) => each !== "{n}") ?? [],
  );

describe("fill", () => {
  it("chooses the plural form by n and writes numbers as the locale does", () => {
    const message = { one: "{n} Platz", other: "{n} Plätze" };
    expect(fill(message, { n: 1 }, "de")).toBe("1 Platz");
    expect(fill(message, { n: 12_000 }, "de")).toBe("12.000 Plätze");
  });

  it("leaves a value that is missing visible", () => {
    expect(fill("Row {row}", {}, "en")).toBe("Row {row}");
  });
});

describe("preferred", () => {
  it("takes the first language that there is, whatever its region", () => {
    expect(preferred(["fr", "de-AT", "en"], ["en", "de"])).toBe("de");
    expect(preferred(["fr"], ["en", "de"])).toBe("en");
  });
});

describe("every language", () => {
  for (const tag of readdirSync(folder)) {
    for (const part of readdirSync(new URL("en/", folder))) {
      it(`${tag} has each text of ${part}, with the same values`, () => {
        const [english, texts] = [read("en", part), read(tag, part)];
        expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
        for (const key of Object.keys(english)) expect(values(texts[key]), key).toEqual(values(english[key]));
      });
    }
  }
});
