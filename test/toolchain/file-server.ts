import http from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

/** What the server answers for a path: a body, or a function that answers by itself. */
export type Answers = Readonly<Record<string, string | Buffer | ((response: http.ServerResponse) => void)>>;

const servers: http.Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/**
 * Serves files over HTTP on loopback until the test ends.
 *
 * @returns the server's URL, and the request lines that it got
 */
export async function serve(answers: Answers): Promise<{ readonly url: string; readonly requests: string[] }> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const answer = answers[request.url ?? ''];
    if (typeof answer === 'function') answer(response);
    else if (answer === undefined) response.writeHead(404).end();
    else response.end(answer);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A port of loopback that nothing listens on. */
export async function closedPort(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
