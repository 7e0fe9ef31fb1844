import { render } from "preact";
import { startSession } from "../shared/api/session";
import { startLanguage } from "../shared/i18n/i18n";
import { startInstallation } from "../shared/installation";
import "../shared/styles/base.css";
import "../shared/styles/controls.css";
import { startTheme } from "../shared/theme";
import { App } from "./App";
import { keepForOffline } from "./offline";
import { texts } from "./texts";

startTheme();
await Promise.all([startLanguage(texts), startInstallation(), startSession()]);
const app = document.getElementById("app");
if (app) render(<App />, app);
keepForOffline();
