/** What an act changed: its before and after, member by member. Pure. */

export interface Change {
  /** The path of the member, such as "prices.standard". */
  readonly member: string;
  /** Undefined: it was not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/** Return the members that differ, in the order in which they are written; those of `before` come first. */
export function difference(before: Members | null, after: Members | null): readonly Change[] {
  const was = flat(before ?? {});
  const is = flat(after ?? {});
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((member) => ({ member, before: was.get(member), after: is.get(member) }))
    .filter((change) => change.before !== change.after);
}

/** Return the leaves of nested members by their paths. A list is one leaf. */
function flat(members: Members, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(members)) {
    const path = prefix + name;
    if (isMembers(value) && Object.keys(value).length > 0)
      for (const [below, leaf] of flat(value, `${path}.`)) found.set(below, leaf);
    else found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  }
  return found;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
