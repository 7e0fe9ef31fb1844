import account from "../../languages/en/account.json";
import seatmap from "../../languages/en/seatmap.json";
import shared from "../../languages/en/shared.json";
import storefront from "../../languages/en/storefront.json";
import type { Catalogue, Messages } from "../shared/i18n/i18n";

/** The storefront's texts: English is part of the page, each other language a file of its own. */
export const texts: Catalogue = {
  en: { ...shared, ...account, ...seatmap, ...storefront },
  load: async (tag) => {
    const parts: { default: Messages }[] = await Promise.all([
      import(`../../languages/${tag}/shared.json`),
      import(`../../languages/${tag}/account.json`),
      import(`../../languages/${tag}/seatmap.json`),
      import(`../../languages/${tag}/storefront.json`),
    ]);
    return Object.assign({}, ...parts.map((part) => part.default));
  },
};
