// The languages that there are: each is a folder of languages/, named by its tag (BCP 47).
import { readdirSync } from "node:fs";

/** Return the tags of all languages, English first: it is the one that is always complete. */
export function languages() {
  const folder = new URL("languages/", import.meta.url);
  const tags = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
  return [
    "en",
    ...tags
      .map((each) => each.name)
      .filter((tag) => tag !== "en")
      .sort(),
  ];
}
