/** What an operator typed to find a booking. Pure. */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Return the console's page for a booking's id or reference; null: nothing was typed. */
export function bookingPage(typed: string): string | null {
  const wanted = typed.trim();
  if (wanted === "") return null;
  if (UUID.test(wanted)) return `/console/bookings/${wanted.toLowerCase()}`;
  return `/console/bookings?reference=${encodeURIComponent(wanted)}`;
}
