import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { supervisorBinary } from '../../src/binary.js';
import { command, startSession, textOf, whyNot } from './session.js';

// On the machine's own kernel, each instruction emulated; on arm64 itself all other tests run this program.
const EMULATOR = 'qemu-aarch64-static';
const program = supervisorBinary('arm64');
const why = whyNot(spawnSync(EMULATOR, ['--version']), `${EMULATOR} (Debian: qemu-user-static)`);

describe.skipIf(why !== undefined)(`the supervisor for arm64, emulated${why ? ` (${why})` : ''}`, () => {
  it('says hello, starts programs, tells failures and ends, and kills', async () => {
    const { supervisor, end } = await startSession(EMULATOR, [program], { PATH: process.env.PATH });
    const version = await supervisor.spawn(command(EMULATOR, [program, '--version']));
    expect(await textOf(version.stdout)).toBe('companion-supervisor, protocol 1\n');
    expect(await version.exited).toEqual({ code: 0, signal: null });

    const exit = await supervisor.spawn(command('sh', ['-c', 'exit 7']));
    expect(await exit.exited).toEqual({ code: 7, signal: null });
    await expect(supervisor.spawn(command('there-is-no-such-program', []))).rejects.toMatchObject({
      phase: 'program',
    });

    const sleep = await supervisor.spawn(command('sh', ['-c', 'sleep 1000 & wait']));
    await sleep.kill('SIGKILL', 'tree');
    expect(await sleep.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await end()).toEqual({ code: 0, signal: null });
  });
});
