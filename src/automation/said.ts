/** What pulumi says without the word that it begins with. */
export function withoutPrefix(text: string): string {
  return text.replace(/^error: /, '');
}

/** How to mend what pulumi says. */
export function fixOf(said: string): string {
  return /unable to open bucket|PULUMI_ACCESS_TOKEN|connection refused|no such host|i\/o timeout/.test(said)
    ? 'Check the state backend: PULUMI_BACKEND_URL, or whatever pulumi login has chosen (pulumi whoami --verbose).'
    : 'Mend what it names and run the same command again.';
}

/** Text without the engine's colour directives, `<{%reset%}>`, and without those of a terminal. */
export function plain(text: string): string {
  return text.replaceAll(/<\{%[^%]*%\}>|\u001b\[[0-9;]*m/g, '');
}
