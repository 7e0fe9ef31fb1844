import { defineConfig } from "vitest/config";
import { languages } from "./languages.mjs";

export default defineConfig({
  define: { LANGUAGES: JSON.stringify(languages()) },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node", pool: "threads" },
});
