// Takes a lock and holds it: node lock-holder.mjs FILE MILLISECONDS LOG
import fs from 'node:fs';
import { withLock } from '../../src/lock.mjs';

const [file, ms, log] = process.argv.slice(2);
await withLock(file, async () => {
  fs.appendFileSync(log, `in ${process.pid}\n`);
  await new Promise((resolve) => setTimeout(resolve, Number(ms)));
  fs.appendFileSync(log, `out ${process.pid}\n`);
});
