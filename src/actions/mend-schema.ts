import type { Finding } from '../drift/finding';
import { readLiveSchema } from '../postgres/live-schema';
import { parseKey } from '../releases/seal';
import { StackConfig } from '../releases/stack-config';
import { readCatalogue } from '../schema/read-catalogue';
import { SchemaComparison } from '../schema/comparison';
import { acceptSchema, withAcceptedSchema } from './accepted-schema';
import { applySchemaFix } from './apply-schema-fix';
import { whoAmI } from './keep-release';
import { openDatabase } from './open-database';
import { openCatalogue } from './released-catalogue';
import { releaseKey, type StackContext } from './stack-context';

/**
 * Puts what differs in the schema right: in one transaction, after a snapshot.
 *
 * @throws RewindError database/…, store/unusable
 */
export async function mendSchema(
  context: StackContext,
  findings: readonly Finding[],
  onStep: (text: string) => void,
): Promise<void> {
  const only = findings.filter(({ fix }) => fix === 'ddl').map(({ id }) => id);
  if (only.length === 0) return;
  const { releases, name: stack } = context;
  const newest = await releases.newest();
  const key = parseKey((await releaseKey(context, await StackConfig.read(context.configFile))) ?? '');
  const record = newest && (await withAcceptedSchema(releases, newest));
  const catalogue = record && key && (await openCatalogue(releases, key, record));
  if (!catalogue || record.catalogue === undefined) return; // nothing was found then either
  const { server, snapshots, versionTable } = await openDatabase(context);
  const { snapshot, statements } = await applySchemaFix({
    server,
    snapshots,
    stack,
    catalogue,
    only,
    versionTable,
    onStep,
  });
  if (snapshot !== undefined)
    onStep(`${server.service}: ran ${statements.length} statements, after the snapshot ${snapshot}`);
  // A column that was made again comes last in its table: the fingerprint knows the order, and nothing else differs.
  if (record.database?.schema === undefined) return;
  const { fingerprint } = await readLiveSchema(server, record.database.versionTable ?? versionTable);
  if (fingerprint === record.database.schema) return;
  const left = new SchemaComparison(catalogue, await readCatalogue(server), server.database).differences();
  if (left.length > 0) return;
  await acceptSchema(releases, {
    release: record.number,
    catalogue: record.catalogue,
    schema: fingerprint,
    at: new Date().toISOString(),
    by: whoAmI(),
  });
}
