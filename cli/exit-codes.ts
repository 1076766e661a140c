/** Exit codes of `rewind`, and what each means. docs/cli.md is generated from this table. */
export const exitCodes = {
  done: [0, 'Done.'],
  failed: [1, 'Refused or failed; nothing of the stack has changed.'],
  drift: [2, 'What is there differs from the release (`rewind drift`).'],
  putBack: [3, 'Failed; what ran before runs again.'],
  broken: [4, 'Failed, and what ran before could not be put back; the last lines say what runs and what to type.'],
  locked: [5, 'Another operation on the stack is under way; nothing has changed.'],
  unverified: [6, 'Done, but it has failed its verification, and was left as it is (--no-auto-revert).'],
  interrupted: [130, 'Interrupted (Ctrl-C) twice: whatever was under way was left as it was.'],
} as const;

/** The number of an exit code. */
export function exitCode(name: keyof typeof exitCodes): number {
  return exitCodes[name][0];
}
