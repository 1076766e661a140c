import { mask } from '../container/project-secrets';
import { isHarmless, namesSecret, revealed, Sensitive, type Text } from '../sensitive';
import type { Scene } from './scene';

const secretMask = '[secret]';
const longest = 200;

/** What may tell of a secret in a text of which nothing else is known. */
const tellsOfSecret = /(pass(word)?|secret|token|credential|api_?key)[^\s=:]*[=:\s]+\S|:\/\/[^\s/:@]*:[^\s@]+@/i;

/** A property's value as it may be shown. A variable of an environment only if its name is harmless, or declared so. */
export function shown(
  { released, secrets }: Pick<Scene, 'released' | 'secrets'>,
  service: string,
  path: string,
  text: Text | undefined,
): string | undefined {
  if (text === undefined) return undefined;
  if (text instanceof Sensitive) return secretMask;
  const [, kind, key] = /^(env|label|log option|storage option)\.([^]*)$/.exec(path) ?? [];
  const value = revealed(text);
  if (kind === 'env') {
    const isHidden = released.hidden[service]?.includes(key!) ?? false;
    if (isHidden || !isHarmless(key!, value, released.shown[service])) return secretMask;
  } else if ((kind !== undefined && namesSecret(key!)) || tellsOfSecret.test(value)) return secretMask;
  const masked = mask(value, secrets);
  return masked.length > longest ? `${masked.slice(0, longest - 1)}…` : masked;
}
