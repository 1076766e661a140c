/**
 * A value that must not be shown. It prints and serialises as a mask; whoever really needs the text asks for
 * {@link Sensitive.reveal}.
 */
export class Sensitive {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/** Text that may be sensitive. */
export type Text = string | Sensitive;

/** Text as it is, sensitive or not. */
export function revealed(text: Text): string {
  return text instanceof Sensitive ? text.reveal() : text;
}

/** For JSON.stringify: a sensitive value as it is, in place of its mask. */
export function revealing(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const original = this[name];
  return original instanceof Sensitive ? original.reveal() : value;
}

// Keys whose values people need to see in a preview and that do not carry a secret by any usual convention.
const harmlessKey =
  /^(TZ|LANG|LC_[A-Z]+|LANGUAGE|TERM|PATH|HOME|USER|DEBUG|NODE_ENV|ENVIRONMENT|ENV|STAGE|REGION|VERSION|PGDATA|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|GOMAXPROCS)$|(^|_)(LOG|LOGGING|LEVEL|PORT|HOST|HOSTNAME|VERSION|TIMEOUT|INTERVAL|WORKERS|THREADS|CONCURRENCY|REPLICAS|ENABLED|DISABLED|MODE|COLOR|COLOUR|TITLE|LOCALE|TIMEZONE|FORMAT|SIZE|LIMIT|COUNT|BUCKET|REGION|FEATURE)$/i;
const secretKey = /PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|APIKEY|API_KEY|ACCESS_KEY|AUTH|SALT|SIGNING|DSN|COOKIE/i;
const credentialsInUrl = /[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s@]+@/i;

/**
 * Whether an environment value may be shown: its key is plainly harmless or declared so, and the value holds no URL
 * with a password in it.
 */
export function isHarmless(key: string, value: string, declared: readonly string[] = []): boolean {
  if (credentialsInUrl.test(value)) return false;
  if (declared.includes(key)) return true;
  return harmlessKey.test(key) && !secretKey.test(key);
}

/** Whether a variable's name is that of a credential: its value is looked for elsewhere too. A masked host name is not. */
export function namesSecret(key: string): boolean {
  return /PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|APIKEY|API_KEY|ACCESS_KEY/i.test(key);
}

/** Values shorter than this occur in text by chance; hiding them would hide everything. */
const shortestTaint = 6;

/** Marks text as sensitive if it contains one of the secret values (e.g. a password interpolated into a command). */
export function taint(text: string, secrets: ReadonlySet<string>): Text {
  for (const secret of secrets) {
    if (secret.length >= shortestTaint && text.includes(secret)) return new Sensitive(text);
  }
  return text;
}

/** Marks an option of a driver as sensitive if its name or its text tells of a secret, e.g. `password=` in mount options. */
export function taintOption(key: string, text: string, secrets: ReadonlySet<string>): Text {
  return namesSecret(key) || /(^|,)(pass|password|secret)=/i.test(text) ? new Sensitive(text) : taint(text, secrets);
}
