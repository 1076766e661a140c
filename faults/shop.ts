import { buildMigrationImage } from '../test/support/migration-images';
import { goods, prices } from '../test/support/priced-goods';
import { run } from '../src/process';
import { databaseService } from '../test/support/test-database';

// The stack of the matrix: a Postgres, an application with migrations, and a service that starts after that.

/** Owner and name of the database. */
export const user = 'shop';

/** Answers by HTTP with its version. A file in /state keeps the one version from answering, or from answering its check. */
const server = `
import http.server, os, time
version = open("/app/version").read().strip()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        while os.path.exists("/state/mute-" + version): time.sleep(0.1)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(version.encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
`;

/** The two versions of the application. */
export type Version = 'v1' | 'v2';

/** Name of the application's image. */
export function imageOf(project: string, version: Version): string {
  return `${project}/app:${version}`;
}

/** Builds the images of the application, unless the engine has them. */
export async function buildImages(project: string): Promise<void> {
  for (const [version, migrations] of [
    ['v1', [goods]],
    ['v2', [goods, prices]],
  ] as const) {
    const name = imageOf(project, version);
    if ((await run(['docker', 'image', 'inspect', name])).exitCode === 0) continue;
    const file = Buffer.from(server).toString('base64');
    await buildMigrationImage(name, {
      migrations,
      more: [
        `RUN echo ${project} > /app/project && echo ${version} > /app/version && echo ${file} | base64 -d > /app/shop.py && mkdir -m 777 /state`,
        'VOLUME /state',
      ],
    });
  }
}

/** What a file of this name in /state does to a version of the application. */
export type Ailment =
  /** It does not answer by HTTP. */
  | 'mute'
  /** Its health check fails. */
  | 'sick'
  /** Its health check hangs. */
  | 'stuck';

const check = [
  'v=$(cat /app/version)',
  'while test -e /state/stuck-$v; do sleep 0.1; done',
  '! test -e /state/sick-$v',
].join('; ');

/**
 * Its compose file.
 *
 * @param port - of 127.0.0.1, on which the application is published. @default it is not
 */
export function composeOf(project: string, port?: number): object {
  const common = { restart: 'unless-stopped', stop_grace_period: '2s' };
  return {
    services: {
      db: { ...databaseService(user), ...common },
      app: {
        image: imageOf(project, 'v1'),
        command: ['python3', '/app/shop.py'],
        init: true,
        environment: { DATABASE_URL: `postgresql://${user}:word@db/${user}`, LOG_LEVEL: 'info' },
        depends_on: { db: { condition: 'service_healthy' } },
        healthcheck: { test: ['CMD-SHELL', check.replaceAll('$', '$$$$')], interval: '2s', timeout: '6s', retries: 2 },
        volumes: ['state:/state'],
        ...(port !== undefined && { ports: [`127.0.0.1:${port}:8000`] }),
        ...common,
      },
      web: {
        image: imageOf(project, 'v1'),
        command: ['sleep', 'infinity'],
        init: true,
        depends_on: { app: { condition: 'service_started' } },
        ...common,
      },
    },
    volumes: { data: {}, state: {} },
  };
}

export const services = ['app', 'db', 'web'] as const;
