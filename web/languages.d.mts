export function languages(): string[];
