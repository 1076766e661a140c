import * as pulumi from '@pulumi/pulumi';

/**
 * The same promise, but one that never settles where it would reject: Pulumi would report the rejection of a `dependsOn`
 * by itself, a second time, and the resources are not to be declared.
 */
export function orNever<T>(promise: Promise<T>): Promise<T> {
  return promise.catch(() => new Promise<never>(() => undefined));
}

/** The value of an output once it is known, which it never is in a preview of what is to be created. */
export function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply((value) => {
      resolve(value);
    });
  });
}

/** A value that is not known until the update runs. */
export function unknown(): pulumi.Output<string> {
  return new (pulumi.Output as unknown as new (...args: unknown[]) => pulumi.Output<string>)(
    new Set(),
    Promise.resolve(undefined),
    Promise.resolve(false),
    Promise.resolve(false),
    Promise.resolve(new Set()),
  );
}
