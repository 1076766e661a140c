import { format, resolveConfig } from 'prettier';

import type { Page } from './page';

/** A page laid out as the formatter of this repository wants it. */
export async function layOut(page: Page): Promise<string> {
  return format(page.render(), { ...(await resolveConfig(page.file)), parser: 'markdown' });
}
