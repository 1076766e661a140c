/** A member of a tar file. */
export interface TarMember {
  readonly name: string;
  readonly size: number;
  /** Its first bytes, up to 4096. */
  readonly head: Buffer;
}

/** What a tar file has in it. */
export interface TarContent {
  readonly members: readonly TarMember[];
  /** Whether its end is there: two empty blocks. */
  readonly isComplete: boolean;
}

const block = 512;
const headLength = 4096;

/** Whether a file is a tar file, by its first block. */
export function isTar(head: Buffer): boolean {
  if (head.length < block) return false;
  const stored = number(head.subarray(148, 156));
  const sum = head.subarray(0, block).reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return stored > 0 && stored === sum;
}

/** Walks through a tar file without keeping it. */
export async function readTar(source: AsyncIterable<Buffer>): Promise<TarContent> {
  const members: TarMember[] = [];
  let buffer: Buffer = Buffer.alloc(0);
  let skip = 0;
  for await (const chunk of source) {
    const rest = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - rest.length;
    buffer = buffer.length === 0 ? rest : Buffer.concat([buffer, rest]);
    while (buffer.length >= block && skip === 0) {
      if (buffer.subarray(0, block).every((byte) => byte === 0)) return { members, isComplete: true };
      if (!isTar(buffer)) return { members, isComplete: false };
      const size = number(buffer.subarray(124, 136));
      if (buffer.length < block + Math.min(size, headLength)) break;
      const name = buffer.subarray(0, 100).toString('utf8').split('\0', 1)[0]!;
      members.push({ name, size, head: Buffer.from(buffer.subarray(block, block + Math.min(size, headLength))) });
      const whole = block + Math.ceil(size / block) * block;
      skip = Math.max(whole - buffer.length, 0);
      buffer = buffer.subarray(Math.min(whole, buffer.length));
    }
  }
  return { members, isComplete: false };
}

/** A number in octal, or in binary where it is too large for that. */
function number(field: Buffer): number {
  if ((field[0]! & 0x80) !== 0) return Number(BigInt(`0x${field.subarray(-8).toString('hex')}`));
  return parseInt(field.toString('latin1').replaceAll(/[\0 ]/g, '') || '0', 8);
}
