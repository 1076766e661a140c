import * as pulumi from '@pulumi/pulumi';
import { expect, test } from 'vitest';

import { tellingTheFix } from '../../components/telling-the-fix';
import { RewindError } from '../../src/errors';

test('what succeeds is left alone', async () => {
  expect(await tellingTheFix(() => Promise.resolve(7))).toBe(7);
});

test('an error of Rewind tells its fix in the message, without secrets, and without a stack trace', async () => {
  const error = new RewindError({ code: 'docker/failed', message: 'No: hunter22.', fix: 'Try again.' });
  const failure: unknown = await tellingTheFix(() => Promise.reject(error), new Set(['hunter22'])).catch(
    (caught: unknown) => caught,
  );
  expect(pulumi.RunError.isInstance(failure)).toBe(true);
  expect((failure as Error).message).toBe('No: [secret].\n  → Try again. [docker/failed]');
});

test('any other error is a defect, and stays what it is', async () => {
  const error = new TypeError('undefined is not a function');
  await expect(tellingTheFix(() => Promise.reject(error))).rejects.toBe(error);
});
