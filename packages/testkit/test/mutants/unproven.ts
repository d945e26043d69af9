/** Cases that have not been shown to bite, and why. */
export interface Unproven {
  /** The reason in a few words: a heading of docs/conformance.md. */
  readonly label: string;
  readonly reason: string;
  readonly cases: readonly string[];
}

/** Every case that no mutant fails. A case that gets a mutant leaves this list. */
export const unproven: readonly Unproven[] = [
  // Faults in core would fail them; whether there are any is shown by core's own tests.
  {
    label: 'Core keeps it',
    reason: "Core keeps the rule by itself, whatever a backend does: core's own tests break it.",
    cases: [
      'arguments.zero-byte',
      'cancellation.abort-after-end',
      'cancellation.abort-before',
      'descendants.refused',
      'detection.every-reason-is-told',
      'detection.explained',
      'detection.falls-back',
      'detection.hung-below',
      'detection.preference-never-falls-back',
      'detection.preferred-is-not-outranked',
      'detection.registration',
      'detection.requires-fails-closed',
      'exit-status.used-once',
      'exit-status.wait-many-callers',
      'lifecycle.aborted-before-init',
      'lifecycle.configured-before-init',
      'lifecycle.init-after-abort',
      'lifecycle.init-concurrent',
      'lifecycle.init-twice',
      'lifecycle.shutdown-before-init',
      'lifecycle.shutdown-during-restart',
      'lifecycle.stop-during-init',
      'lifecycle.wrong-state-after-shutdown',
      'lifecycle.wrong-state-after-stop',
      'lifecycle.wrong-state-before-init',
      'limits.invalid',
      'limits.refused',
      'network.none-refused',
      'paths.both-ways',
      'paths.copy-contained',
      'paths.longest-prefix',
      'paths.not-mapped',
      'paths.read-only-refused',
      'paths.uris',
      'ports.failed-init-frees',
      'ports.invalid',
      'ports.loopback-only',
      'ports.named',
      'ports.same-port-shared',
      'ports.taken-companion-port',
      'ports.taken-host-port',
      'ports.waiting-ends-with-companion',
      'signals.refused',
      'signals.to-tree-refused',
      'signals.wrong-use',
      'stdin.failing-source',
      'stdin.write-after-exit',
      'streams.claim-after-release',
      'streams.unclaimed',
      'terminals.refused',
      'users.refused',
    ],
  },
  {
    label: 'A busy machine',
    reason: 'It bites on an idle machine: on a busy one processes get less time by themselves.',
    cases: ['limits.cpus'],
  },
];
