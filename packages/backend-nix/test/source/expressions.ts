// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import fc from 'fast-check';

/** A Nix expression, and the paths in it: those that are none for being in comments and texts begin with `./no`. */
export interface Expression {
  readonly text: string;
  readonly paths: readonly string[];
}

const join = (parts: readonly Expression[], separator: string): Expression => ({
  text: parts.map(({ text }) => text).join(separator),
  paths: parts.flatMap(({ paths }) => paths),
});
const wrap = (before: string, inner: Expression, after: string): Expression => ({
  text: `${before}${inner.text}${after}`,
  paths: inner.paths,
});

const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,4}$/).map((text) => `q${text}`);
const path = fc
  .tuple(fc.constantFrom('./', '../', './../', './.x/', '../+a-b/', './a.b/c_d/'), name)
  .map(([start, end]) => ({ text: `${start}${end}`, paths: [`${start}${end}`] }));
const plain = (text: string): Expression => ({ text, paths: [] });
const simple = fc.oneof(
  { arbitrary: path, weight: 3 },
  fc
    .constantFrom(
      'x',
      "y'",
      '12',
      '1.5',
      'true',
      '(x / y)',
      '(x // y)',
      '{ }',
      '<nixpkgs>',
      'http://no/./no',
      '(q: q)',
    )
    .map(plain),
);
const comment = fc.constantFrom(
  ' ',
  '\n',
  " # ./no \" '' ${ /*\n",
  " /* ./no \" '' } # */ ",
  ' /**/ ',
  ' /* ** / ./no *** */ ',
  ' # /*\r\n',
);
const quotedText = fc.constantFrom(
  ' ./no ',
  '\\"',
  '\\${./no}',
  '$${./no}',
  "''",
  '# ',
  '/* ',
  '$',
  '\\\\',
  '}',
  '\n',
  "'",
  ' a/no ',
);
const indentedText = fc.constantFrom(
  ' ./no ',
  '"',
  "''${./no}",
  '$${./no}',
  "'''",
  '# ',
  '/* ',
  "''\\x",
  '}',
  '\n',
  " ' ",
  "''$ ",
  ' "./no" ',
);

export const expression: fc.Arbitrary<Expression> = fc.letrec<{ all: Expression; interpolation: Expression }>(
  (tie) => ({
    interpolation: fc
      .tuple(comment, tie('all'), comment)
      .map(([before, inner, after]) => wrap(`\${${before}`, inner, `${after}}`)),
    all: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      simple,
      fc.array(fc.oneof(quotedText.map(plain), tie('interpolation')), { maxLength: 6 }).map((parts) => {
        // A dollar before an interpolation makes it none: that is one of the texts, and no accident.
        const whole = parts.map((part) => (part.text === '$' ? plain('$ ') : part));
        return wrap('"', join(whole, ''), '"');
      }),
      fc
        .array(fc.oneof(indentedText.map(plain), tie('interpolation')), { maxLength: 6 })
        .map((parts) => wrap("''", join(parts, ' '), " ''")),
      fc.array(tie('all'), { maxLength: 4 }).map((parts) =>
        wrap(
          '[ ',
          join(
            parts.map((part) => wrap('(', part, ')')),
            ' ',
          ),
          ' ]',
        ),
      ),
      fc
        .tuple(comment, tie('all'), comment)
        .map(([before, inner, after]) => wrap(`{ a.b =${before}`, inner, `${after}; c = 1; }`)),
      fc.tuple(tie('all'), tie('all')).map((both) => wrap('(', join(both, ') // ('), ')')),
      fc.tuple(tie('all'), tie('all')).map((both) => wrap('if x then (', join(both, ') else ('), ')')),
      tie('all').map((inner) => wrap('{ p ? (', inner, '), ... }@q: q')),
      tie('interpolation').map((inner) => wrap('(./dir/', { ...inner, paths: inner.paths }, '.nix)')),
    ),
  }),
).all;
