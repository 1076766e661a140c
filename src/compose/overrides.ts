import type { Problem } from '../errors';
import type { StackSettings } from '../settings';
import { applyImageRequest, parseImageRequest } from './image-reference';
import type { ComposeModel, ComposeService } from './model';

type Overrides = Pick<StackSettings, 'tags' | 'env' | 'secrets' | 'show'> & Partial<Pick<StackSettings, 'database'>>;

/** Lays the stack configuration's images and environment over a compose model; reports every name that fits nothing. */
export function applyOverrides(
  model: ComposeModel,
  overrides: Overrides,
): { readonly model: ComposeModel; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const services: Record<string, ComposeService> = { ...model.services };
  const known = Object.keys(services).sort();

  for (const key of ['tags', 'env', 'secrets', 'show'] as const) {
    for (const name of Object.keys(overrides[key])) {
      if (Object.hasOwn(services, name)) continue;
      problems.push({
        code: 'config/unknown-service',
        message: `rewind:${key}.${name} names a service that the compose file does not have.`,
        fix: `Remove it: pulumi config rm --path rewind:${key}.${name}. The services are: ${known.join(', ')}.`,
      });
    }
  }
  const { database } = overrides;
  for (const name of database ? [database.service, ...(database.alembic ? [database.alembic.service] : [])] : []) {
    if (Object.hasOwn(services, name)) continue;
    problems.push({
      code: 'config/unknown-service',
      message: `rewind:database names the service ${name}, which the compose file does not have.`,
      fix: `Correct it: pulumi config set --path rewind:database.service <service>. The services are: ${known.join(', ')}.`,
    });
  }
  for (const [name, value] of Object.entries(overrides.tags)) {
    if (!Object.hasOwn(services, name)) continue;
    const service = services[name]!;
    const image = service.image ?? `${model.name}-${name}`;
    const request = parseImageRequest(value);
    if (!request) {
      problems.push({
        code: 'config/bad-image',
        message: `rewind:tags.${name} is "${value}", which is neither a tag, nor an image reference, nor an image ID.`,
        fix: `Correct it: pulumi config set --path rewind:tags.${name} <tag>.`,
      });
    } else if (request.kind === 'tag' && parseImageRequest(image)?.kind === 'id') {
      problems.push({
        code: 'config/bad-image',
        message: `rewind:tags.${name} is the tag "${value}", but the compose file names the image by its ID.`,
        fix: `Give the whole reference: pulumi config set --path rewind:tags.${name} <name>:${value}.`,
      });
    } else services[name] = { ...service, image: applyImageRequest(image, request) };
  }
  for (const variables of [overrides.env, overrides.secrets]) {
    for (const [name, values] of Object.entries(variables)) {
      if (!Object.hasOwn(services, name)) continue;
      services[name] = { ...services[name], environment: { ...services[name]!.environment, ...values } };
    }
  }
  return { model: { ...model, services }, problems };
}
