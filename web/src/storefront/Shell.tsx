/** What surrounds every page: header, offline banner, footer. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { user } from "../shared/api/session";
import { address } from "../shared/base";
import { text } from "../shared/i18n/i18n";
import { installation } from "../shared/installation";
import { Link, path } from "../shared/router";
import { Notice } from "../shared/ui/Notice";
import { Preferences } from "../shared/ui/Preferences";
import "./shell.css";

const offline = signal(!navigator.onLine);
window.addEventListener("online", () => {
  offline.value = false;
});
window.addEventListener("offline", () => {
  offline.value = true;
});

export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        {text("skip_to_content")}
      </button>
      <Header />
      <main id="content" class="page" tabIndex={-1}>
        {offline.value && <Notice kind="warn">{text("offline")}</Notice>}
        {children}
      </main>
      <Footer />
    </>
  );
}

/** A link to #content would lead to the page that <base> names. */
function skip(): void {
  document.getElementById("content")?.focus();
}

function Header() {
  return (
    <header class="header">
      <div class="header-inner">
        <Link to="/" class="brand">
          <img src={address("icon.svg")} alt="" width="32" height="32" />
          <span>{installation.value.name}</span>
        </Link>
        <nav aria-label={text("main_navigation")}>
          <Link to="/" current={path.value === "/"}>
            {text("shows")}
          </Link>
          <Link to="/bookings" current={path.value.startsWith("/bookings")}>
            {text("my_bookings")}
          </Link>
          {user.value ? (
            <Link to="/account" current={path.value === "/account"}>
              {text("account")}
            </Link>
          ) : (
            <Link to="/account/sign-in" current={path.value === "/account/sign-in"}>
              {text("sign_in")}
            </Link>
          )}
        </nav>
      </div>
    </header>
  );
}

function Footer() {
  return (
    <footer class="footer">
      <div class="footer-inner">
        <Preferences />
        <p class="soft">
          <a href={address("docs")}>{text("api_documentation")}</a>
        </p>
      </div>
    </footer>
  );
}
