/**
 * Compares a measured summary with its goal, `atMost` or `atLeast` a limit. The median decides; where the quartiles
 * lie on both sides of the limit, the answer says so.
 */
export function goal({ what, goal: text, atMost, atLeast, unit, measured }) {
  const within = (value) => (atMost === undefined ? value >= atLeast : value <= atMost);
  const reached = within(measured.median);
  const certain = within(measured.lowerQuartile) === within(measured.upperQuartile);
  return { what, goal: text, unit, measured, reached, certain };
}

/** The same for an outcome that is either so or not so. */
export function outcome({ what, goal: text, reached, measured }) {
  return { what, goal: text, unit: null, measured, reached, certain: true };
}
