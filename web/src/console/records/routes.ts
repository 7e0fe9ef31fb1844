import type { Route } from "../../shared/router";
import { AuditPage } from "./AuditPage";
import { BookingPage, BookingsPage } from "./BookingsPage";
import { ParkedItemPage } from "./ParkedItemPage";
import { ParkedPage } from "./ParkedPage";
import { SeatsPage } from "./SeatsPage";
import { UserPage } from "./UserPage";
import { UsersPage } from "./UsersPage";

/** Pages of bookings and seats, below /console: for the box office and administrators. */
export const staffRecordRoutes: readonly Route[] = [
  { path: "/bookings", page: BookingsPage },
  { path: "/bookings/:bookingId", page: BookingPage },
  { path: "/seats", page: SeatsPage },
];

/** Pages of accounts, the audit log and parked operations, below /console: for administrators. */
export const adminRecordRoutes: readonly Route[] = [
  { path: "/users", page: UsersPage },
  { path: "/users/:userId", page: UserPage },
  { path: "/audit", page: AuditPage },
  { path: "/parked", page: ParkedPage },
  { path: "/parked/:parkedId", page: ParkedItemPage },
];

/** All records, below /console. */
export const recordRoutes: readonly Route[] = [...staffRecordRoutes, ...adminRecordRoutes];
