import * as pulumi from '@pulumi/pulumi';
import { beforeAll, describe, expect, test } from 'vitest';

import { asInputs } from '../../components/inputs';
import { Sensitive } from '../../src/sensitive';
import { PulumiRecorder } from '../support/pulumi-recorder';

beforeAll(async () => {
  await PulumiRecorder.start();
});

/** The value of an output, and whether it is secret. */
async function resolved(output: unknown): Promise<{ value: unknown; secret: boolean }> {
  const known = output as pulumi.Output<unknown>;
  const value = await new Promise((resolve) => {
    known.apply(resolve);
  });
  return { value, secret: await pulumi.isSecret(known) };
}

describe('planned values as inputs of a resource', () => {
  test('are as they were, unless they are special', () => {
    const values = { text: 'a', number: 1, yes: true, list: ['a', { b: null }], nothing: undefined };
    expect(asInputs(values)).toEqual(values);
  });

  test('are secrets where they are sensitive, however deep', async () => {
    const inputs = asInputs({ envs: ['A=1', new Sensitive('B=2')] }) as { envs: unknown[] };
    expect(inputs.envs[0]).toBe('A=1');
    expect(await resolved(inputs.envs[1])).toEqual({ value: 'B=2', secret: true });
  });

  test("are another container's ID where they name its service", async () => {
    const idOf = (service: string): pulumi.Output<string> => pulumi.output(`${service}-id`);
    const inputs = asInputs({ pidMode: { service: 'db', prefix: 'container:' } }, idOf) as { pidMode: unknown };
    expect(await resolved(inputs.pidMode)).toEqual({ value: 'container:db-id', secret: false });
  });

  test('are left alone where they are outputs already', () => {
    const output = pulumi.output('x');
    expect((asInputs({ name: output }) as { name: unknown }).name).toBe(output);
  });
});
