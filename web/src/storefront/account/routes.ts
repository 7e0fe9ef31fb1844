import type { Route } from "../../shared/router";
import { AccountPage } from "./AccountPage";
import { SecondFactorPage } from "./SecondFactorPage";
import { SignInPage } from "./SignInPage";

/** The pages of an account. */
export const accountRoutes: readonly Route[] = [
  { path: "/account", page: AccountPage },
  { path: "/account/sign-in", page: SignInPage },
  { path: "/account/second-factor", page: SecondFactorPage },
];
