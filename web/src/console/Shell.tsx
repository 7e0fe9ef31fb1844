/** What surrounds every page of the console: navigation, who is signed in, language and appearance. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { signOut, user } from "../shared/api/session";
import { text } from "../shared/i18n/i18n";
import { installation } from "../shared/installation";
import { Link, path } from "../shared/router";
import { Button } from "../shared/ui/Button";
import { Preferences } from "../shared/ui/Preferences";
import { ProblemNotice } from "../shared/ui/ProblemNotice";
import { useAct } from "../shared/ui/useAct";
import { ShortcutsHelp } from "./ShortcutsHelp";
import { shortcutsOf, useShortcuts } from "./shortcuts";
import "./console.css";

export function Shell({ children }: { children: ComponentChildren }) {
  const help = useSignal(false);
  useShortcuts(() => {
    help.value = true;
  });
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("content")?.focus()}>
        {text("skip_to_content")}
      </button>
      <header class="console-header">
        <Link to="/console" class="brand">
          {text("console_of", { name: installation.value.name })}
        </Link>
        <Navigation />
        <SignedIn onHelp={() => (help.value = true)} />
      </header>
      <main id="content" class="console-page" tabIndex={-1}>
        {children}
      </main>
      <Footer />
      {help.value && <ShortcutsHelp onClose={() => (help.value = false)} />}
    </>
  );
}

function Navigation() {
  const seen = shortcutsOf(user.value?.role);
  return (
    <nav aria-label={text("main_navigation")}>
      {seen.map(({ to, name }) => (
        <Link key={to} to={to} current={to === "/console" ? path.value === to : path.value.startsWith(to)}>
          {text(name)}
        </Link>
      ))}
    </nav>
  );
}

function SignedIn({ onHelp }: { onHelp: () => void }) {
  const leaving = useAct();
  return (
    <div class="row">
      <span class="soft">{user.value?.email}</span>
      <Button kind="quiet" onClick={onHelp} label={text("shortcuts")}>
        ?
      </Button>
      <Button kind="quiet" busy={leaving.busy.value} onClick={() => void leaving.run(signOut)}>
        {text("sign_out")}
      </Button>
      {leaving.problem.value && <ProblemNotice problem={leaving.problem.value} />}
    </div>
  );
}

function Footer() {
  return (
    <footer class="console-footer">
      <Preferences />
    </footer>
  );
}
