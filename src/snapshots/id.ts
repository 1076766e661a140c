/** `s-20261124-101500`, in UTC: what snapshots and databases that are kept aside are named by. */
export function snapshotId(time: Date): string {
  return `s-${timeName(time)}`;
}

/** `20261124-101500`, in UTC. */
export function timeName(time: Date): string {
  return time.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
}

/** Whether a text is the name of a snapshot, and nothing that could lead elsewhere. */
export function isSnapshotId(text: string): boolean {
  return /^s-\d{8}-\d{6}(-\d{1,4})?$/.test(text);
}

/** The time at the end of a name that {@link timeName} made. */
export function timeOf(name: string): Date {
  const [, year, month, day, hour, minute, second] = /(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(name) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
