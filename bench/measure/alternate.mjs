/**
 * Takes one sample of every contender per round, so that whatever else the machine does hits all of them: A B C,
 * C B A shifted by one, and so on. Stops after `rounds`, or once `budgetMs` are used up and three rounds are complete.
 * Resolves with the samples of each contender, index by round.
 */
export async function alternate(contenders, { rounds, warmups = 1, budgetMs = 14_000 }) {
  const names = Object.keys(contenders);
  for (let warmup = 0; warmup < warmups; warmup++) {
    for (const name of names) await contenders[name]();
  }
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  const deadline = performance.now() + budgetMs;
  for (let round = 0; round < rounds; round++) {
    if (round >= 3 && performance.now() > deadline) break;
    for (const name of order(names, round)) samples[name].push(await contenders[name]());
  }
  return samples;
}

/** Nobody is always first, and nobody always comes after the same other. */
function order(names, round) {
  const shift = round % names.length;
  const turned = [...names.slice(shift), ...names.slice(0, shift)];
  return round % 2 === 0 ? turned : turned.reverse();
}
