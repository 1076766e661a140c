/** A label as the Docker provider takes it. */
export interface Label {
  readonly label: string;
  readonly value: string;
}

/** A record as labels, in a fixed order. */
export function labelsOf(record: Readonly<Record<string, string>>): Label[] {
  return Object.entries(record)
    .map(([label, value]) => ({ label, value }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** A record, or undefined if there is nothing in it: the provider reads an empty one back as none. */
export function nonEmpty<T extends object>(value: T | null | undefined): T | undefined {
  return value && Object.keys(value).length > 0 ? value : undefined;
}
