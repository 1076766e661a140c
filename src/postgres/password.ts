import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/**
 * Whether a role has this password, by what the server stores of it.
 * https://www.postgresql.org/docs/current/catalog-pg-authid.html
 */
export function isPasswordOf(role: string, password: string, stored: string): boolean {
  if (stored.startsWith('md5')) {
    return stored === `md5${createHash('md5').update(`${password}${role}`).digest('hex')}`;
  }
  // A verifier of RFC 5803.
  const [, iterations, salt, storedKey] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(stored) ?? [];
  if (iterations === undefined || salt === undefined) return false;
  const salted = pbkdf2Sync(password.normalize('NFKC'), Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  return createHash('sha256').update(clientKey).digest('base64') === storedKey;
}
