/** The languages that were there at the build, English first (build.mjs). */
declare const LANGUAGES: readonly string[];
declare module "*.css";
