import type { Moment } from '../test/support/running-rewind';
import type { Rig } from './rig';

/** What is reverted: everything, with the schema taken back or the data of then; or the images alone. */
export type Way = 'images' | 'downgrade' | 'restore';

/** How a command ends that a fault has met. */
export type Ending =
  /** Exit code 0: the release that was asked for runs. */
  | 'done'
  /** Exit code 1: nothing has changed. */
  | 'refused'
  /** Exit code 3: what ran before runs again. */
  | 'put back'
  /** Exit code 4: it says what is to be done. */
  | 'broken'
  /** Exit code 5: another one is at work. */
  | 'locked'
  /** It was killed, and `rewind status` says so. */
  | 'killed';

/** What is typed after it. */
export type WayOn = 'rewind resume' | 'rewind abort' | 'the same command' | 'rewind restart, the same command';

/** Something that goes wrong while a stack is brought back. */
export interface Fault {
  /** `kill -9 of the engine`. */
  readonly what: string;
  /** The phase of the operation in which it happens, and when in it. */
  readonly phase: string;
  readonly way: Way;
  /** Every way in which the command may end. */
  readonly ends: readonly Ending[];
  /** What is typed then, unless it has come to its end by itself. @default the same command */
  readonly wayOn?: WayOn;
  /** Done before the command is given. @default nothing */
  readonly before?: (rig: Rig) => Promise<unknown>;
  /** The moment at which it happens; made before the command is given. @default it is there from the start */
  readonly at?: (rig: Rig) => Moment;
  /** What happens then. @default nothing more than `before` */
  readonly fault?: (rig: Rig) => Moment;
  /** Ends it, when the command has ended. @default it is over by itself */
  readonly heal?: (rig: Rig) => Promise<unknown>;
  /** What the command has to have said, on either stream. @default anything that is true */
  readonly says?: RegExp;
  /** Whether the command runs in a terminal of its own. @default false */
  readonly inTerminal?: boolean;
  /** Variables of the command. @default those of the stack */
  readonly env?: (rig: Rig) => Readonly<Record<string, string>>;
}

/** Faults of one kind. */
export interface Family {
  readonly name: string;
  /** Heading of its table. */
  readonly title: string;
  /** Size of a disk of its own, on which the stack's store lies, as mount takes it. @default it lies in the project's folder */
  readonly disk?: string;
  /** Whether the matrix has to run in a network of its own for it, as it starts an engine there. @default false */
  readonly isOnOwnEngine?: boolean;
  /** Made before the stack. @returns why it cannot be made here, or what removes it again */
  readonly begin?: () => Promise<string | (() => Promise<unknown>)>;
  readonly faults: readonly Fault[];
}

/** Name of the compose project on which a family is tried. */
export function projectOf({ name }: Pick<Family, 'name'>): string {
  return `rewind-faults-${name}`;
}
