import { describe, expect, test } from 'vitest';

import { composeEdit, editedCompose, patchOf } from '../../../src/drift/compose-edit';
import type { Inspected } from '../../../src/drift/live-form';

const container = {
  Config: { Cmd: ['serve', '--fast'], User: '1000', Labels: { team: 'shop' }, Env: ['A=1'] },
  HostConfig: {
    NanoCpus: 500_000_000,
    Memory: 96 * 1024 * 1024,
    PidsLimit: 70,
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    CapAdd: ['CAP_SYS_PTRACE'],
    PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }], '53/udp': [{ HostIp: '', HostPort: '53' }] },
  },
} as unknown as Inspected;

describe('what a container has by hand', () => {
  test.each([
    ['command', { at: ['command'], value: ['serve', '--fast'] }],
    ['user', { at: ['user'], value: '1000' }],
    ['limit.cpus', { at: ['cpus'], value: 0.5 }],
    ['limit.memory', { at: ['mem_limit'], value: '96m' }],
    ['restart-policy', { at: ['restart'], value: 'on-failure:3' }],
    ['capabilities-added', { at: ['cap_add'], value: ['SYS_PTRACE'] }],
    ['label.team', { at: ['labels', 'team'], value: 'shop' }],
    ['label.gone', { at: ['labels', 'gone'], value: undefined }],
    ['port.80/tcp', { at: ['ports'], value: ['127.0.0.1:8080:80', '53:53/udp'] }],
    ['sysctl.net.core.somaxconn', undefined],
  ])('is a key of its service: %s', (property, edit) => {
    expect(composeEdit(property, container)).toEqual(edit);
  });
});

const file = `# who looks after it
services:
  web:   # the front
    image: web:1
    labels:
      - team=old
      - other=1
    deploy: {resources: {limits: {memory: 64m}}}
    environment:
      A: "1"
`;

describe('a compose file', () => {
  test('keeps everything else as it is written', () => {
    const edited = editedCompose(file, 'web', [
      { at: ['restart'], value: 'always' },
      { at: ['labels', 'team'], value: 'shop' },
      { at: ['mem_limit'], value: '96m' },
    ])!;
    const changed = patchOf('compose.yaml', file, edited)
      .split('\n')
      .filter((line) => /^[-+](?![-+])/.test(line));
    expect(changed).toEqual([
      '-      - team=old',
      '+      - team=shop',
      ...['-    deploy: {resources: {limits: {memory: 64m}}}', '+    deploy: {resources: {limits: {memory: 96m}}}'],
      '+    restart: always',
    ]);
  });

  test('loses what is gone, with what that has left empty', () => {
    expect(editedCompose(file, 'web', [{ at: ['environment', 'A'], value: undefined }])).not.toContain('environment');
  });

  test('without the service is none to change', () => {
    expect(editedCompose(file, 'api', [])).toBeUndefined();
  });
});
