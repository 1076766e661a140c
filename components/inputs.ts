import * as pulumi from '@pulumi/pulumi';

import type { ContainerOf } from '../src/container/spec';
import { Sensitive } from '../src/sensitive';

type IdOf = (service: string) => pulumi.Input<string>;

function isContainerOf(value: object): value is ContainerOf {
  return 'service' in value && 'prefix' in value;
}

/**
 * Plain planned values as inputs of a resource: sensitive ones become Pulumi secrets, and a reference to another
 * service's container becomes its ID.
 *
 * @param idOf - gives that ID. @default none: for values that refer to no container
 */
export function asInputs(value: unknown, idOf: IdOf = () => ''): unknown {
  if (value instanceof Sensitive) return pulumi.secret(value.reveal());
  if (Array.isArray(value)) return value.map((item) => asInputs(item, idOf));
  if (value === null || typeof value !== 'object' || pulumi.Output.isInstance(value)) return value;
  if (isContainerOf(value)) return pulumi.interpolate`${value.prefix}${idOf(value.service)}`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asInputs(inner, idOf)]));
}
