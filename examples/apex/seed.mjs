#!/usr/bin/env node
// Fills the example's database with made-up projects and jobs, the same ones each time.
//
//   node examples/apex/seed.mjs [--project apex] [--size small|10MB|300MB|3GB | --jobs 20000]
//
// They are made inside of the database, by psql in its own container. Works at every revision of the example.

import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { DatabaseError, databaseContainer, psql } from './database.mjs';

/** Jobs that make a database about as large as the name says; an empty one has 8 MB. */
export const SIZES = { small: 500, '10MB': 2_000, '300MB': 275_000, '3GB': 2_800_000 };

const JOBS_PER_PROJECT = 1000;
const MOST_JOBS = 20_000_000;

/**
 * Makes projects and jobs, and inspections where the schema has them.
 *
 * @param {string} container of the database
 * @param {object} [options]
 * @param {number} [options.jobs] how many; there is a project for every thousand. @default 500
 * @param {string} [options.user] @default apex
 * @param {string} [options.database] @default apex
 * @param {AbortSignal} [options.signal] ends it; nothing is stored then
 * @returns {Promise<{projects: number, jobs: number, bytes: number}>} bytes: size of the whole database afterwards
 * @throws {DatabaseError} also where it was done before
 * @throws {RangeError}
 */
export async function seed(container, { jobs = SIZES.small, ...options } = {}) {
  if (!Number.isSafeInteger(jobs) || jobs < 1 || jobs > MOST_JOBS) {
    throw new RangeError(`jobs must be a whole number from 1 to ${MOST_JOBS}`);
  }
  const projects = Math.ceil(jobs / JOBS_PER_PROJECT);
  const [found] = await psql(container, "SELECT count(*) FROM projects WHERE name LIKE 'Seed %'", options);
  if (found !== '0') throw new DatabaseError(`the database has ${found} seeded projects already`);
  const [bytes] = await psql(container, script(projects, jobs), options);
  return { projects, jobs, bytes: Number(bytes) };
}

/**
 * A thousand results are worked out, as the calculation service would, and dealt out to the jobs: to work out each one
 * would take longer than to store it. A result also has the force for 36 directions of the wind, as real ones have more
 * to say than the example's.
 */
function script(projects, jobs) {
  return `
SELECT to_regclass('inspections') IS NOT NULL AS has_inspections, ${hasColumn('jobs', 'formula')} AS has_formula \\gset
BEGIN;
SET LOCAL synchronous_commit = off;
-- Every row has its project: that need not be looked up for each.
SET LOCAL session_replication_role = replica;

CREATE TEMP TABLE seeded ON COMMIT DROP AS
WITH made AS (
  INSERT INTO projects (name, location, wind_speed_ms, created_at)
  SELECT 'Seed ' || lpad(i::text, 6, '0'), 'Pier ' || 1 + i % 40, 20 + i % 25, ${time('i', 'hour')}
  FROM generate_series(1, ${projects}) AS i
  RETURNING id, name
)
SELECT id, right(name, 6)::integer AS number FROM made;
CREATE UNIQUE INDEX ON seeded (number);

CREATE TEMP TABLE worked_out ON COMMIT DROP AS
SELECT
  number,
  jsonb_build_object('width_m', width, 'height_m', height, 'clearance_m', clearance) AS sign,
  jsonb_build_object(
    'formula', '1', 'drag_coefficient', 1.2, 'wind_pressure_pa', pressure, 'wind_force_n', force,
    'moment_nm', round(force * (clearance + height / 2), 1), 'footing_depth_m', round((1 + force / 9000)::numeric, 3),
    'forces_n', (
      SELECT jsonb_agg(round((force * abs(cos(radians(10 * angle + number)))) ::numeric, 1) ORDER BY angle)
      FROM generate_series(0, 35) AS angle
    )
  ) AS result
FROM generate_series(0, 999) AS number
CROSS JOIN LATERAL (
  SELECT 1 + (number % 37) * 0.25 AS width, 1 + (number % 11) * 0.25 AS height, 2 + (number % 7) * 0.5 AS clearance,
    round((0.6125 * (20 + number % 25) ^ 2)::numeric, 1) AS pressure
) AS sizes
CROSS JOIN LATERAL (SELECT round(pressure * 1.02 * width * height, 1) AS force) AS forces;
CREATE UNIQUE INDEX ON worked_out (number);
ANALYZE seeded, worked_out;

\\if :has_formula
  INSERT INTO jobs (id, project_id, state, sign, result, formula, created_at, finished_at)
  SELECT ${jobId('i')}, seeded.id, 'done', sign, result - 'formula', result ->> 'formula', ${time('i', 'minute')},
    ${time('i', 'minute')} + interval '1 second'
  ${fromJobs(jobs)}
\\else
  INSERT INTO jobs (id, project_id, state, sign, result, created_at, finished_at)
  SELECT ${jobId('i')}, seeded.id, 'done', sign, result, ${time('i', 'minute')},
    ${time('i', 'minute')} + interval '1 second'
  ${fromJobs(jobs)}
\\endif

\\if :has_inspections
  INSERT INTO inspections (project_id, inspector, outcome, inspected_at)
  SELECT id, 'Inspector ' || 1 + number % 7, (ARRAY['sound', 'sound', 'repair'])[round], ${time('number + 1000 * round', 'hour')}
  FROM seeded CROSS JOIN generate_series(1, 3) AS round ORDER BY number, round;
\\endif
COMMIT;
ANALYZE;
CHECKPOINT;
SELECT pg_database_size(current_database());
`;
}

const fromJobs = (jobs) => `FROM generate_series(1, ${jobs}) AS i
  JOIN worked_out ON worked_out.number = i % 1000
  JOIN seeded ON seeded.number = 1 + (i - 1) / ${JOBS_PER_PROJECT};`;

/** The ID of a seeded job, in ascending order: an index takes in such ones quickly. */
const jobId = (number) => `(lpad(to_hex(${number}), 8, '0') || '-5eed-4000-8000-000000000000')::uuid`;

const time = (number, unit) => `timestamptz '2026-01-01 00:00:00+00' + (${number}) * interval '1 ${unit}'`;

const hasColumn = (table, column) =>
  `EXISTS (SELECT FROM information_schema.columns WHERE table_name = '${table}' AND column_name = '${column}')`;

async function main() {
  const { values } = parseArgs({
    options: {
      project: { type: 'string', default: 'apex' },
      size: { type: 'string', default: 'small' },
      jobs: { type: 'string' },
    },
  });
  const jobs = values.jobs === undefined ? SIZES[values.size] : Number(values.jobs);
  if (jobs === undefined) throw new RangeError(`there is no size ${values.size}: use ${Object.keys(SIZES).join(', ')}`);
  const made = await seed(await databaseContainer(values.project), { jobs });
  const megabytes = (made.bytes / 1e6).toFixed(0);
  console.log(`${made.projects} projects and ${made.jobs} jobs made; the database has ${megabytes} MB`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main().catch((failure) => {
    if (!(failure instanceof DatabaseError) && !(failure instanceof RangeError)) throw failure;
    console.error(failure.message);
    process.exitCode = 1;
  });
}
