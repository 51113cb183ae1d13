/** What the code must not do, and its layout. `npm run format` mends the layout. */

import stylistic from '@stylistic/eslint-plugin'
import vue from 'eslint-plugin-vue'
import { defineConfig, globalIgnores } from 'eslint/config'
import typescript from 'typescript-eslint'

export default defineConfig(
  globalIgnores(['node_modules', 'src/api/schema.gen.ts']),
  typescript.configs.strict,
  vue.configs['flat/recommended'],
  stylistic.configs.customize({ braceStyle: '1tbs', arrowParens: true, quoteProps: 'consistent-as-needed' }),
  {
    files: ['**/*.vue', '**/*.ts'],
    languageOptions: {
      parserOptions: {
        parser: typescript.parser,
      },
    },
    rules: {
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@stylistic/member-delimiter-style': ['error', { multiline: { delimiter: 'none' } }],
      '@stylistic/operator-linebreak': ['error', 'before', { overrides: { '&&': 'ignore' } }],
      // `noUncheckedIndexedAccess` makes it necessary where an index is known to be there.
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 80, skipComments: true }],
      // Each `?.` and `??` counts as a branch.
      'complexity': ['error', 12],
    },
  },
  {
    files: ['**/*.vue'],
    rules: {
      // Elements are laid out as prose, as many on a line as fit and belong together.
      'vue/html-self-closing': ['error', { html: { void: 'always', normal: 'always' } }],
      'vue/max-attributes-per-line': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      // `undefined` is a default, and TypeScript holds the component to it.
      'vue/require-default-prop': 'off',
      'vue/multi-word-component-names': ['error', { ignores: ['App', 'Sparkline'] }],
    },
  },
)
