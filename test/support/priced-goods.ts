import type { TestMigration } from './migration-images';

/** The first of two migrations: a table with 2,000 rows. */
export const goods: TestMigration = {
  revision: '0001',
  about: 'Goods',
  upgrade: [
    'CREATE TABLE goods (id int PRIMARY KEY, name text)',
    'INSERT INTO goods SELECT i, repeat(md5(i::text), 9) FROM generate_series(1, 2000) i',
  ],
  downgrade: ['DROP TABLE goods'],
};

/** The second: a column with a value in every row, whose way back is long enough to be met in the middle of it. */
export const prices: TestMigration = {
  revision: '0002',
  down: '0001',
  about: 'Prices',
  upgrade: ['ALTER TABLE goods ADD price int', 'UPDATE goods SET price = id'],
  downgrade: ['ALTER TABLE goods DROP price', 'SELECT pg_sleep(1.5)'],
};
