import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

import { withoutRunLogs } from '../../toolchain/run-logs';
import { tempFolder } from './temp-folder';

test('where there is nothing yet, a file says why there are no logs of runs', () => {
  const home = path.join(tempFolder(), 'pulumi-home');
  withoutRunLogs(home);
  withoutRunLogs(home);
  expect(fs.readFileSync(path.join(home, 'logs'), 'utf8')).toContain('Remove it to have the logs.');
});

test('logs that somebody has are left alone', () => {
  const home = tempFolder();
  fs.mkdirSync(path.join(home, 'logs'));
  fs.writeFileSync(path.join(home, 'logs', 'pulumi.log'), 'text');
  withoutRunLogs(home);
  expect(fs.readFileSync(path.join(home, 'logs', 'pulumi.log'), 'utf8')).toBe('text');
});
