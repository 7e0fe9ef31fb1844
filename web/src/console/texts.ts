import consoleTexts from "../../languages/en/console.json";
import records from "../../languages/en/records.json";
import seatmap from "../../languages/en/seatmap.json";
import shared from "../../languages/en/shared.json";
import type { Catalogue, Messages } from "../shared/i18n/i18n";

/** The console's texts: English is part of the page, each other language a file of its own. */
export const texts: Catalogue = {
  en: { ...shared, ...seatmap, ...consoleTexts, ...records },
  load: async (tag) => {
    const parts: { default: Messages }[] = await Promise.all([
      import(`../../languages/${tag}/shared.json`),
      import(`../../languages/${tag}/seatmap.json`),
      import(`../../languages/${tag}/console.json`),
      import(`../../languages/${tag}/records.json`),
    ]);
    return Object.assign({}, ...parts.map((part) => part.default));
  },
};
