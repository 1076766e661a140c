/** One figure of a benchmark, beside what it is compared with. */
export interface Row {
  /** What was measured, e.g. `rollback of 4 services: total`. */
  readonly name: string;
  readonly unit: 's' | 'requests' | 'rows' | '/s' | 'MB';
  /** Median of Rewind's runs. */
  readonly ours: number;
  /** Median of the peer's runs, in the same benchmark and alternating with ours. Null where there is no peer. */
  readonly peer: number | null;
  readonly peerName: string | null;
  /** ours / peer. */
  readonly ratio: number | null;
  /** Upper bound: of the ratio where there is a peer, else of our figure itself. Null: only for information. */
  readonly bar: number | null;
  readonly holds: boolean | null;
}

/** What a benchmark measured, before it is judged. */
export interface Measured {
  readonly name: string;
  readonly unit: Row['unit'];
  readonly ours: readonly number[];
  readonly peer?: readonly number[];
  readonly peerName?: string;
  readonly bar?: number;
}

/** Takes medians and holds them against the bar. */
export function rowOf({ name, unit, ours, peer, peerName, bar }: Measured): Row {
  const our = median(ours);
  const their = peer ? median(peer) : null;
  const ratio = their === null || their === 0 ? null : our / their;
  const judged = their === null ? our : ratio;
  return {
    name,
    unit,
    ours: rounded(our),
    peer: their === null ? null : rounded(their),
    peerName: peerName ?? null,
    ratio: ratio === null ? null : rounded(ratio),
    bar: bar ?? null,
    holds: bar === undefined || judged === null ? null : judged <= bar,
  };
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** The rows as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${row.ours} ${row.unit}`,
    row.peer === null ? '' : `${row.peer} ${row.unit}`,
    row.peerName ?? '',
    row.ratio === null ? '' : String(row.ratio),
    row.bar === null ? '' : row.peer === null ? `≤ ${row.bar} ${row.unit}` : `≤ ${row.bar}`,
    row.holds === null ? '' : row.holds ? 'holds' : 'missed',
  ]);
  const head = ['what', 'Rewind', 'peer', 'peer is', 'ratio', 'bar', ''];
  const widths = head.map((title, column) =>
    Math.max(...[title, ...cells.map((row) => row[column]!)].map((c) => c.length)),
  );
  const line = (row: readonly string[]): string => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}
