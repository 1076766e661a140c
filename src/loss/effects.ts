/** A name as a statement gives it. */
export interface WrittenName {
  /** @default the first schema of the search path that has it */
  readonly schema?: string;
  readonly name: string;
  /** Search path that the script had set by then. @default the one of the session */
  readonly path?: readonly string[];
}

/** The type that a column is given. */
export interface WrittenType {
  /** As the catalogue has it: `int4`, `varchar`. */
  readonly name: string;
  /** Length, or precision and scale. */
  readonly modifiers: readonly number[];
  readonly isArray: boolean;
}

/**
 * What a statement does to what is in the database now. Names are those that things have before the script: what it
 * renames is followed, what it makes itself is left out.
 */
export type Effect =
  | { readonly kind: 'drop-table'; readonly table: WrittenName; readonly cascade: boolean }
  | {
      readonly kind: 'drop-column';
      readonly table: WrittenName;
      readonly column: string;
      readonly cascade: boolean;
    }
  | {
      readonly kind: 'retype-column';
      readonly table: WrittenName;
      readonly column: string;
      readonly type: WrittenType;
      /** Whether an expression makes the new value. */
      readonly using: boolean;
    }
  | { readonly kind: 'delete'; readonly table: WrittenName; readonly all: boolean }
  | { readonly kind: 'truncate'; readonly table: WrittenName; readonly cascade: boolean }
  | {
      readonly kind: 'update';
      readonly table: WrittenName;
      readonly columns: readonly string[];
      readonly all: boolean;
    }
  | {
      readonly kind: 'drop-object';
      /** `view`, `type`, `schema`, … */
      readonly object: string;
      readonly name: WrittenName;
      readonly cascade: boolean;
    }
  | { readonly kind: 'call'; readonly name: WrittenName };

/** What undoing one revision does. */
export interface StepEffects {
  readonly revision: string;
  /** First line of the migration's docstring. */
  readonly about: string;
  readonly effects: readonly Effect[];
  /** Statements of which it cannot be told what they do, each in a few words. */
  readonly unknown: readonly string[];
  /** Why the step has no way back. @default it has one */
  readonly noDowngrade?: string;
}
