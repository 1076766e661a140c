import type { DowngradeLoss } from './downgrade-loss';

/** What to do with the data when an earlier release comes back. */
export type DataChoice = 'keep' | 'downgrade' | 'restore' | 'fix-forward';

/** What is advised, and why, in one sentence. */
export interface Recommendation {
  readonly choice: DataChoice;
  readonly why: string;
}

/** What a restore would lose. */
export interface RestorePrice {
  /** Changes since the snapshot: rows inserted, updated and deleted, values of new columns. */
  readonly changes: number;
  /** Whether there may be more. */
  readonly atLeast: boolean;
  /** Rows that the database has, to hold the changes against. */
  readonly rows: number;
}

/** What is known when it is decided. */
export interface Options {
  /** Whether the release ends at the revision that the database stands at. */
  readonly sameRevision: boolean;
  /** Whether some image knows both revisions, so that there is a way between them. */
  readonly canMigrate: boolean;
  /** What a downgrade would lose. @default it has not been looked at */
  readonly downgrade?: Pick<DowngradeLoss, 'rows' | 'values' | 'unknown' | 'noDowngrade'>;
  /** The snapshot of the release's revision. @default there is none */
  readonly snapshot?: { readonly id: string; readonly proved: boolean; readonly price?: RestorePrice };
}

/** So many changes are little, or this part of all rows. */
const fewChanges = 100;
const smallPart = 0.001;

/**
 * Advises what to do with the data, by what each way would lose. Where both lose the same, the downgrade wins: what it
 * takes away is kept in the same database.
 */
export function recommend({ sameRevision, canMigrate, downgrade, snapshot }: Options): Recommendation {
  if (sameRevision) {
    return { choice: 'keep', why: 'the schema is the one that the release knows, and nothing would be lost' };
  }
  const proved = snapshot?.proved ? snapshot : undefined;
  const obstacle = obstacleOf(canMigrate, downgrade);
  if (obstacle === undefined && downgrade) return byNumbers(downgrade, proved);
  const no = obstacle ?? 'what a downgrade does has not been looked at';
  if (!proved) {
    const lacking = snapshot ? `${snapshot.id} has not been proved yet` : 'no snapshot of that revision is there';
    return { choice: 'fix-forward', why: `${no}, and ${lacking}` };
  }
  if (isLittle(proved.price)) {
    return { choice: 'restore', why: `${no}, and restoring ${proved.id} loses ${priceText(proved.price)}` };
  }
  return {
    choice: 'fix-forward',
    why: `${no}, and restoring ${proved.id} would lose ${priceText(proved.price)}`,
  };
}

function byNumbers(
  downgrade: NonNullable<Options['downgrade']>,
  snapshot: NonNullable<Options['snapshot']> | undefined,
): Recommendation {
  const lost = downgrade.rows.value + downgrade.values.value;
  if (lost === 0) return { choice: 'downgrade', why: 'every step has a way back, and nothing would be lost' };
  const price = snapshot?.price;
  const losing = lostText(downgrade);
  if (!snapshot || !price) {
    return { choice: 'downgrade', why: `it takes ${losing} away, which are kept aside first` };
  }
  // One that may lose more than is known does not win by what is known.
  if (price.changes < lost && !price.atLeast) {
    return {
      choice: 'restore',
      why: `restoring ${snapshot.id} loses ${priceText(price)}, a downgrade takes ${losing} away`,
    };
  }
  return {
    choice: 'downgrade',
    why: `it takes ${losing} away, which are kept aside first; restoring ${snapshot.id} would lose ${priceText(price)}`,
  };
}

/** Why a downgrade is out of the question; undefined if it is not. */
function obstacleOf(canMigrate: boolean, downgrade: Options['downgrade']): string | undefined {
  if (!canMigrate) return 'no image knows the way between the revisions';
  const [missing] = downgrade?.noDowngrade ?? [];
  if (missing) return `${missing.revision} has no downgrade`;
  const [unknown] = downgrade?.unknown ?? [];
  return unknown && `it cannot be told what the downgrade of ${unknown.revision} does (${unknown.what})`;
}

function isLittle(price: RestorePrice | undefined): price is RestorePrice {
  return price !== undefined && price.changes <= Math.max(fewChanges, price.rows * smallPart);
}

function priceText(price: RestorePrice | undefined): string {
  if (!price) return 'more than has been counted yet';
  if (price.changes === 0) return price.atLeast ? 'nothing that is known of' : 'nothing';
  const changes = `${price.changes.toLocaleString('en')} ${price.changes === 1 ? 'change' : 'changes'}`;
  return `${price.atLeast ? 'at least ' : ''}${changes}`;
}

function lostText({ rows, values }: NonNullable<Options['downgrade']>): string {
  const part = (value: number, one: string): string[] =>
    value === 0 ? [] : [`${value.toLocaleString('en')} ${value === 1 ? one : `${one}s`}`];
  return [...part(rows.value, 'row'), ...part(values.value, 'value')].join(' and ');
}
