import { afterEach, describe, expect, test, vi } from 'vitest';

import { type ComposeSource, loadComposeProject } from '../../../src/compose/load';
import { type ComposeAnswers, FakeCompose } from '../../support/fake-compose';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

afterEach(() => {
  vi.unstubAllEnvs();
});

const warning = (text: string): string =>
  `time="2026-03-01T10:00:00Z" level=warning msg="${text.replaceAll('"', '\\"')}"\n`;
const unset = (name: string): string => warning(`The "${name}" variable is not set. Defaulting to a blank string.`);

/** A folder with a compose file, and how to read it with a docker compose that gives these answers. */
function prepared(answers: ComposeAnswers = {}): { compose: FakeCompose; source: ComposeSource } {
  const directory = tempFolder({ 'compose.yaml': 'services: {}' });
  return { compose: new FakeCompose(answers).use(), source: { files: ['compose.yaml'], directory } };
}

describe('a compose project', () => {
  test('is read by docker compose, from the folder of its first file', async () => {
    const directory = tempFolder({ 'app/compose.yaml': '', 'more.yaml': '', 'one.env': '', 'two.env': '' });
    const compose = new FakeCompose().use();
    const project = await loadComposeProject({
      files: ['app/compose.yaml', 'more.yaml'],
      envFiles: ['one.env', 'two.env'],
      profiles: ['debug', 'mail'],
      project: 'shop',
      directory,
    });
    const options = [
      ['--file', `${directory}/app/compose.yaml`, '--file', `${directory}/more.yaml`],
      ['--env-file', `${directory}/one.env`, '--env-file', `${directory}/two.env`],
      ['--profile', 'debug', '--profile', 'mail'],
      ['--project-name', 'shop'],
    ].flat();
    expect(compose.calls).toContainEqual({
      args: [...options, 'config', '--format', 'json'],
      cwd: `${directory}/app`,
    });
    expect(project).toMatchObject({
      files: [`${directory}/app/compose.yaml`, `${directory}/more.yaml`],
      directory: `${directory}/app`,
      options,
    });
  });

  test('has every section, also those that the file lacks', async () => {
    const { source } = prepared({ model: { name: 'shop', services: { api: { image: 'api' } } } });
    expect((await loadComposeProject(source)).model).toEqual({
      name: 'shop',
      services: { api: { image: 'api' } },
      networks: {},
      volumes: {},
      configs: {},
      secrets: {},
    });
  });

  test('has single dollars where docker compose prints two, in values, lists and keys', async () => {
    const { source } = prepared({
      model: {
        name: 'shop',
        services: {
          api: {
            command: ['echo', '$$HOME $$$$ $$'],
            environment: { PRICE: '5$$', COUNT: 3, NOTHING: null },
            sysctls: { a$$b: "$$&$$'" },
          },
        },
      },
    });
    expect((await loadComposeProject(source)).model.services['api']).toEqual({
      command: ['echo', '$HOME $$ $'],
      environment: { PRICE: '5$', COUNT: 3, NOTHING: null },
      sysctls: { a$b: "$&$'" },
    });
  });

  test('carries the warnings of docker compose along, each once', async () => {
    const obsolete = warning('compose.yaml: the attribute "version" is obsolete');
    const { source } = prepared({ stderr: `${obsolete}${obsolete}something else\n` });
    expect((await loadComposeProject(source)).warnings).toEqual(['compose.yaml: the attribute "version" is obsolete']);
  });

  test('knows the values of the variables that its configs and secrets come from, and of no others', async () => {
    const { compose, source } = prepared({
      model: {
        name: 'shop',
        configs: { motd: { name: 'shop_motd', environment: 'MOTD' } },
        secrets: { key: { name: 'shop_key', environment: 'KEY' }, gone: { name: 'shop_gone', environment: 'GONE' } },
      },
      interpolated: { 'x-rewind': { MOTD: '=', KEY: '=-----BEGIN\nabc=5$$\n', GONE: '' } },
    });
    const { environment, options } = await loadComposeProject(source);
    expect(environment).toEqual({ MOTD: '', KEY: '-----BEGIN\nabc=5$\n' });
    expect(compose.calls.at(-1)!.args).toEqual([...options, '--file', '-', 'config', '--format', 'json']);
    expect(compose.input).toEqual({
      'x-rewind': { MOTD: '${MOTD+=}${MOTD-}', KEY: '${KEY+=}${KEY-}', GONE: '${GONE+=}${GONE-}' },
    });
  });

  test('knows the values of the secret variables that its files use, with their plain defaults', async () => {
    const { compose, source } = prepared({
      variables: {
        DB_PASSWORD: { DefaultValue: 'unused default' },
        API_TOKEN: { DefaultValue: 'default token' },
        REDIS_PASSWORD: { DefaultValue: '${DB_PASSWORD:-x}' },
        OTHER_SECRET: {},
        TAG: { DefaultValue: 'v1' },
      },
      interpolated: { 'x-rewind': { DB_PASSWORD: '=of-the-database', API_TOKEN: '', REDIS_PASSWORD: '' } },
    });
    const { secretVariables, environment } = await loadComposeProject(source);
    expect(secretVariables).toEqual({ DB_PASSWORD: 'of-the-database', API_TOKEN: 'default token' });
    expect(environment).toEqual({});
    expect(Object.keys((compose.input as { 'x-rewind': object })['x-rewind'])).not.toContain('TAG');
  });

  test('takes two calls of docker compose if it has no secrets', async () => {
    const { compose, source } = prepared({ variables: { TAG: { DefaultValue: 'v1' } } });
    await loadComposeProject(source);
    expect(compose.calls).toHaveLength(2);
  });
});

describe('what keeps a compose project from being read', () => {
  test('are compose and env files that are not there: all at once, before docker compose runs', async () => {
    const { compose, source } = prepared();
    const problems = await problemsOf(() =>
      loadComposeProject({ ...source, files: ['compose.yaml', 'sub/gone.yaml'], envFiles: ['gone.env'] }),
    );
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'compose/not-found The compose file sub/gone.yaml (rewind:compose) does not exist.',
      'compose/not-found The env file gone.env (rewind:envFile) does not exist.',
    ]);
    expect(compose.calls).toEqual([]);
  });

  test('are variables without a value: each once, by name', async () => {
    const { source } = prepared({ stderr: unset('TAG') + unset('DB_HOST') + unset('TAG') });
    const problems = await problemsOf(() => loadComposeProject(source));
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'compose/unset-variable The variable DB_HOST has no value; compose.yaml uses it.',
      'compose/unset-variable The variable TAG has no value; compose.yaml uses it.',
    ]);
    expect(problems[1]!.fix).toContain('${TAG:-value}');
  });

  test('is a variable that the file itself requires, with what the file says about it', async () => {
    const { source } = prepared({
      exitCode: 1,
      stderr:
        unset('TAG') +
        'error while interpolating services.a.command: required variable API_KEY is missing a value: ask the team\n',
    });
    const problems = await problemsOf(() => loadComposeProject(source));
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'compose/unset-variable The variable TAG has no value; compose.yaml uses it.',
      'compose/unset-variable The variable API_KEY has no value, but services.a.command in compose.yaml requires it: ask the team',
    ]);
  });

  test('is a syntax error, in the words of docker compose', async () => {
    const { source } = prepared({
      exitCode: 15,
      stderr: warning('the attribute "version" is obsolete') + 'yaml: line 3: mapping values are not allowed\n',
    });
    expect(await problemsOf(() => loadComposeProject(source))).toMatchObject([
      {
        code: 'compose/invalid',
        message: 'docker compose cannot read compose.yaml: yaml: line 3: mapping values are not allowed',
        fix: expect.stringMatching(/docker compose -f \S*compose\.yaml config --quiet$/) as string,
      },
    ]);
  });

  test('can be an empty variable that makes the file invalid: both are told', async () => {
    const { source } = prepared({ exitCode: 1, stderr: `${unset('PORT')}invalid containerPort: \n` });
    expect((await problemsOf(() => loadComposeProject(source))).map((problem) => problem.code)).toEqual([
      'compose/unset-variable',
      'compose/invalid',
    ]);
  });

  test('is a circle in depends_on, which is named', async () => {
    const { source } = prepared({ exitCode: 1, stderr: 'dependency cycle detected: api -> worker -> api\n' });
    expect(await problemsOf(() => loadComposeProject(source))).toMatchObject([
      {
        code: 'compose/cycle',
        message: 'Services depend on each other in a circle: api -> worker -> api (compose.yaml).',
        fix: 'Remove one of these depends_on entries.',
      },
    ]);
  });
});
