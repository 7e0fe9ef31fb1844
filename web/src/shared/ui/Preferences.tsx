import { language, setLanguage, text } from "../i18n/i18n";
import { setTheme, type Theme, theme } from "../theme";
import { Select } from "./Field";

const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** The reader's language and appearance. */
export function Preferences() {
  return (
    <>
      <Select
        label={text("language")}
        value={language.value}
        onValue={(tag) => void setLanguage(tag)}
        options={LANGUAGES.map((tag) => ({ value: tag, text: text(`language.${tag}`) }))}
      />
      <Select
        label={text("theme")}
        value={theme.value}
        onValue={(chosen) => setTheme(chosen as Theme)}
        options={THEMES.map((each) => ({ value: each, text: text(`theme.${each}`) }))}
      />
    </>
  );
}
