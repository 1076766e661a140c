// @ts-check
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Forbids imports.
 *
 * @param {{ regex: string, message: string }[]} patterns
 * @returns {import('eslint').Linter.RulesRecord}
 */
const forbid = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

const oneWay = 'Imports point one way: cli -> src/actions -> the rest of src; components -> src; never back.';
const noCli = { regex: '(^|/)cli/', message: oneWay };
const noComponents = { regex: '(^|/)components/', message: oneWay };
const noPulumi = {
  regex: '^@pulumi/',
  message: 'src does, components declare: only components and src/automation know Pulumi.',
};

export default defineConfig(
  { ignores: ['dist/', '.rewind/', 'coverage/', '**/node_modules/'] },
  {
    files: ['**/*.ts', '**/*.mts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // With noUncheckedIndexedAccess an assertion is how code says that it has just made sure.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  { files: ['src/**/*.ts'], rules: forbid(noCli, noComponents, noPulumi) },
  { files: ['src/automation/**/*.ts', 'toolchain/**/*.ts'], rules: forbid(noCli, noComponents) },
  { files: ['components/**/*.ts'], rules: forbid(noCli) },
);
