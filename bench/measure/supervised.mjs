import { spawn } from 'node:child_process';
import { connectSupervisor, supervisorBinary } from '@companion/supervisor';

/** The supervisor on this machine, over pipes, and a short command through it. */
export async function startSupervisor() {
  const program = spawn(supervisorBinary(), { stdio: ['pipe', 'pipe', 'inherit'] });
  const supervisor = await connectSupervisor({ readable: program.stdout, writable: program.stdin });
  // As an environment holds them: each look into process.env is a call of its own.
  const env = { ...process.env };
  const start = (file, args, stdin) => supervisor.spawn({ file, args, env, cwd: import.meta.dirname, stdin });
  const run = async (file, args) => {
    const { stdout, stderr, exited } = await start(file, args, 'ignore');
    stderr.resume();
    let text = '';
    stdout.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    const ended = new Promise((resolve) => stdout.once('end', resolve));
    const { code } = await exited;
    await ended;
    return { stdout: text, code };
  };
  return { start, run, close: () => supervisor.close() };
}
