import type { Random } from '../random';
import type { Definition, Settings, Source } from './model';

/** Services that the stack may have; the first one has the data and is always there. */
export const serviceNames = ['db', 'api', 'worker', 'cache', 'front', 'search'] as const;

export const tags = ['v1', 'v2', 'stable'] as const;
const networks = ['front', 'back', 'ops'] as const;
const ports = [28_941, 28_942, 28_943] as const;

/** A value that hardly any other is. */
function fresh(word: string, random: Random): string {
  return `${word}-${random.below(1e6)}`;
}

/** The services that a stack starts with. */
export function firstSource(random: Random): Source {
  return serviceNames.reduce<Source>((source, name) => ({ ...source, [name]: newService(name, source, random) }), {});
}

function newService(name: string, others: Source, random: Random): Definition {
  const port = random.chance(0.3) ? freePort(others, random) : undefined;
  return {
    tag: random.pick(tags),
    environment: { MODE: fresh('mode', random), LOG_LEVEL: random.pick(['info', 'debug']) },
    conf: `name = ${name}\nvalue = ${fresh('conf', random)}\n`,
    ...(random.chance(0.4) && { banner: { content: `${fresh('banner', random)}\n`, inFile: random.chance(0.5) } }),
    ...(name === 'front' && { pages: { 'index.html': `${fresh('index', random)}\n` } }),
    networks: random.some(networks),
    ...(port !== undefined && { port }),
    replicas: 1,
    after: name !== 'db' && random.chance(0.4) ? ['db'] : [],
    data: name === 'db',
  };
}

function freePort(source: Source, random: Random): number | undefined {
  const taken = Object.values(source).map(({ port }) => port);
  const free = ports.filter((port) => !taken.includes(port));
  return free.length === 0 ? undefined : random.pick(free);
}

/** One change of a compose file, or of a file that it mounts. */
export function changedSource(source: Source, random: Random): Source {
  const name = random.pick(Object.keys(source));
  const it = source[name]!;
  const changed = (change: Partial<Definition>): Source => ({ ...source, [name]: { ...it, ...change } });
  switch (
    random.weighted({
      tag: 1,
      env: 2,
      conf: 3,
      banner: 2,
      pages: 2,
      network: 1,
      port: 2,
      scale: 1,
      service: 2,
      order: 1,
    })
  ) {
    case 'tag':
      return changed({ tag: random.pick(tags) });
    case 'env':
      return changed({ environment: changedValues(it.environment, random) });
    case 'conf':
      return changed({ conf: `name = ${name}\nvalue = ${fresh('conf', random)}\n` });
    case 'banner':
      return it.banner && random.chance(0.3)
        ? { ...source, [name]: without(it, 'banner') }
        : changed({ banner: { content: `${fresh('banner', random)}\n`, inFile: random.chance(0.5) } });
    case 'pages':
      if (name === 'db') return changedSource(source, random);
      return it.pages && random.chance(0.2)
        ? { ...source, [name]: without(it, 'pages') }
        : changed({
            pages: {
              'index.html': `${fresh('index', random)}\n`,
              ...(random.chance(0.5) && { 'more.html': 'more\n' }),
            },
          });
    case 'network':
      return changed({ networks: random.some(networks) });
    case 'port': {
      if (it.replicas > 1) return changedSource(source, random);
      const port = random.chance(0.3) ? undefined : freePort(source, random);
      return port === undefined ? { ...source, [name]: without(it, 'port') } : changed({ port });
    }
    case 'scale':
      return it.data || it.port !== undefined
        ? changedSource(source, random)
        : changed({ replicas: 1 + random.below(3) });
    case 'service':
      return otherServices(source, random);
    case 'order':
      return name === 'db' ? changedSource(source, random) : changed({ after: it.after.length > 0 ? [] : ['db'] });
  }
}

/** A service comes, or goes. */
function otherServices(source: Source, random: Random): Source {
  const absent = serviceNames.filter((name) => !Object.hasOwn(source, name));
  if (absent.length > 0 && (random.chance(0.6) || absent.length > 2)) {
    const name = random.pick(absent);
    return { ...source, [name]: newService(name, source, random) };
  }
  const going = random.pick(Object.keys(source).filter((name) => name !== 'db'));
  return Object.fromEntries(Object.entries(source).filter(([name]) => name !== going));
}

/** One change of the settings of these services: of tags, environment or secrets. */
export function changedSettings(settings: Settings, services: readonly string[], random: Random): Settings {
  const name = random.pick(services);
  const kind = random.weighted({ tags: 1, env: 2, secrets: 1 });
  if (kind === 'tags') {
    const others = without(settings.tags, name);
    return { ...settings, tags: random.chance(0.3) ? others : { ...others, [name]: random.pick(tags) } };
  }
  const values = random.chance(0.2) ? {} : changedValues(settings[kind][name] ?? {}, random);
  const others = without(settings[kind], name);
  return { ...settings, [kind]: Object.keys(values).length > 0 ? { ...others, [name]: values } : others };
}

function changedValues(values: Readonly<Record<string, string>>, random: Random): Record<string, string> {
  const key = random.pick(['MODE', 'LOG_LEVEL', 'FLAGS', 'API_TOKEN']);
  if (Object.hasOwn(values, key) && random.chance(0.3)) return without(values, key);
  return { ...values, [key]: fresh(`a $value "${key.toLowerCase()}"`, random) };
}

function without<T extends object>(values: T, key: string): T {
  return Object.fromEntries(Object.entries(values).filter(([it]) => it !== key)) as T;
}
