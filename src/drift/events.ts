import type Docker from 'dockerode';

/** Something that the engine has done, by its event stream. */
export interface EngineEvent {
  /** `container`, `network`, `volume`, `image`. */
  readonly type: string;
  /** `die`, `connect`, `tag`, … */
  readonly action: string;
  /** ID, or name, of what it was done to. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly at: Date;
}

/** Since when something is so, and by what; empty where the engine does not tell. */
export interface Origin {
  readonly since?: string;
  readonly by?: string;
}

/** Without the checks of health, which would be nearly all of them: each is three events. */
const actions: Readonly<Record<string, readonly string[]>> = {
  container: ['die', 'kill', 'stop', 'pause', 'oom', 'destroy', 'create', 'update', 'rename'],
  network: ['connect', 'disconnect', 'create', 'destroy'],
  volume: ['create', 'destroy'],
  image: ['tag', 'untag', 'delete'],
};

/** What an engine has done lately: it remembers the last few hundred events. */
export class EngineEvents {
  readonly #events: readonly EngineEvent[];

  constructor(events: readonly EngineEvent[]) {
    this.#events = events;
  }

  /** Reads the events since a time. An engine that does not tell them has none. */
  static async read(docker: Docker, since: Date): Promise<EngineEvents> {
    try {
      const stream = await docker.getEvents({
        since: Math.floor(since.getTime() / 1000),
        // The engine waits for a time that is still to come.
        until: Date.now() / 1000,
        filters: JSON.stringify({ type: Object.keys(actions), event: [...new Set(Object.values(actions).flat())] }),
      } as Docker.GetEventsOptions);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const lines = Buffer.concat(chunks).toString('utf8').split('\n');
      return new EngineEvents(lines.filter((line) => line !== '').map(eventOf));
    } catch {
      return new EngineEvents([]);
    }
  }

  /** The latest of these events on something, as since when it is so. */
  latest(type: string, wanted: readonly string[], isIt: (event: EngineEvent) => boolean): Origin {
    const event = this.#events.findLast((it) => it.type === type && wanted.includes(it.action) && isIt(it));
    return event ? { since: event.at.toISOString(), by: causeOf(event) } : {};
  }

  /** The same for a container, by its name. */
  ofContainer(name: string, wanted: readonly string[]): Origin {
    return this.latest('container', wanted, ({ attributes }) => attributes['name'] === name);
  }
}

interface WrittenEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
  readonly timeNano?: number;
}

/** An event as the engine writes it, a line of JSON. */
export function eventOf(line: string): EngineEvent {
  const { Type: type = '', Action: action = '', Actor: actor = {}, timeNano = 0 } = JSON.parse(line) as WrittenEvent;
  return { type, action, id: actor.ID ?? '', attributes: actor.Attributes ?? {}, at: new Date(timeNano / 1e6) };
}

/** The command that leads to such an event. The engine does not tell who gave it. */
function causeOf({ type, action, attributes }: EngineEvent): string {
  switch (`${type} ${action}`) {
    case 'container kill':
      return `signal ${attributes['signal'] ?? '?'}`;
    case 'container die':
      return `it ended with ${attributes['exitCode'] ?? '?'}`;
    case 'container oom':
      return 'out of memory';
    case 'container destroy':
      return 'docker rm';
    case 'image delete':
    case 'image untag':
      return 'docker rmi';
    case 'volume destroy':
      return 'docker volume rm';
    case 'network destroy':
      return 'docker network rm';
    default:
      return `docker ${type === 'container' ? '' : `${type} `}${action}`;
  }
}
