import { describe, expect, test } from 'vitest';

import type { ComposeService } from '../../../../src/compose/model';
import { containerOf, planOf, projectOf, refusalsOf } from '../../../support/compose-project';
import { tempFolder } from '../../../support/temp-folder';

test.each([
  [{ cap_add: ['NET_ADMIN'], cap_drop: ['ALL'] }, { capabilities: { adds: ['CAP_NET_ADMIN'], drops: ['ALL'] } }],
  [{ read_only: true }, { readOnly: true }],
  [{ privileged: true }, { privileged: true }],
  [{ group_add: ['20', 'video'] }, { groupAdds: ['20', 'video'] }],
  [{ group_add: [20] }, { groupAdds: ['20'] }],
  [{ userns_mode: 'host' }, { usernsMode: 'host' }],
  [{ pid: 'host' }, { pidMode: 'host' }],
  [{ cgroup: 'private' }, { cgroupnsMode: 'private' }],
  [{ cgroup_parent: 'shop' }, { cgroupParent: 'shop' }],
  [{ device_cgroup_rules: ['c 1:3 mr'] }, { deviceCgroupRules: ['c 1:3 mr'] }],
  [
    { devices: [{ source: '/dev/a' }] },
    { devices: [{ hostPath: '/dev/a', containerPath: '/dev/a', permissions: 'rwm' }] },
  ],
  [
    { devices: [{ source: '/dev/a', target: '/dev/b', permissions: 'r' }] },
    { devices: [{ hostPath: '/dev/a', containerPath: '/dev/b', permissions: 'r' }] },
  ],
] as unknown as [ComposeService, object][])('%j becomes %j', (keys, expected) => {
  expect(containerOf(keys)).toMatchObject(expected);
});

describe('security_opt', () => {
  const options = (...security_opt: string[]): ComposeService => ({ security_opt });

  test('carries most options over as they are', () => {
    const list = ['no-new-privileges:true', 'seccomp=unconfined', 'seccomp:builtin', 'apparmor=x'];
    expect(containerOf(options(...list)).securityOpts).toEqual(list);
  });

  test('reads a seccomp profile from its file', () => {
    const folder = tempFolder({ 'profile.json': '{\n  "defaultAction": "SCMP_ACT_ALLOW"\n}\n' });
    expect(containerOf(options(`seccomp=${folder}/profile.json`)).securityOpts).toEqual([
      'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}',
    ]);
  });

  test('refuses a seccomp profile that is not there or is no JSON', () => {
    const folder = tempFolder({ 'profile.json': 'none' });
    for (const name of ['profile.json', 'gone.json']) {
      expect(refusalsOf(options(`seccomp:${folder}/${name}`))).toMatchObject([
        {
          message: expect.stringContaining(
            `names the seccomp profile ${folder}/${name}, which cannot be read`,
          ) as string,
        },
      ]);
    }
  });
});

test('what the engine adds to the options of a privileged container is no drift', () => {
  const plan = planOf(projectOf({ api: { image: 'x', privileged: true } }));
  expect(plan.services[0]!.readBackDiffers).toEqual(['securityOpts']);
});

test.each([
  [{ count: -1 }, { driver: '', count: -1, capabilities: ['gpu'] }],
  [
    { count: 'all', driver: 'nvidia' },
    { driver: 'nvidia', count: -1, capabilities: ['gpu'] },
  ],
  [
    { device_ids: ['0', '1'], options: { a: 'b' } },
    { driver: '', count: 0, deviceIds: ['0', '1'], capabilities: ['gpu'], options: { a: 'b' } },
  ],
])('the GPU request %j becomes %j', (request, expected) => {
  expect(containerOf({ gpus: [request] }).deviceRequests).toEqual([expected]);
});
