import type { CompanionEvent, ExitStatus } from '@companion/core/backend';
import { formatMs } from './print.js';

/** An event in one line, for `--verbose`. */
export function describeEvent(event: CompanionEvent): string {
  switch (event.topic) {
    case 'selection':
      return describeSelection(event);
    case 'environment':
      return describeEnvironment(event);
    case 'image':
      return describeImage(event);
    case 'process':
      return describeProcess(event);
  }
}

function describeSelection(event: CompanionEvent & { topic: 'selection' }): string {
  if (event.type === 'selected') return `backend ${event.backend} chosen: ${event.reason}`;
  const { backend, verdict, reason, detail, durationMs } = event;
  return `backend ${backend} ${verdict} after ${formatMs(durationMs)}${because(reason ?? detail)}`;
}

function describeEnvironment(event: CompanionEvent & { topic: 'environment' }): string {
  switch (event.type) {
    case 'starting':
      return 'environment starting';
    case 'started':
      return `environment started in ${formatMs(event.durationMs)}${because(event.reused)}`;
    case 'start-failed':
      return `environment failed to start after ${formatMs(event.durationMs)}: ${event.code}`;
    case 'stopped':
    case 'removed':
      return `environment ${event.type} in ${formatMs(event.durationMs)}`;
    case 'lost':
      return `environment lost: ${event.reason}`;
    case 'mount-translated':
      return `${event.companionPath} stands for ${event.hostPath} on this machine`;
    case 'busy':
    case 'notice':
      return event.message;
  }
}

function describeImage(event: CompanionEvent & { topic: 'image' }): string {
  switch (event.type) {
    case 'pulling':
      return `image ${event.reference}: pulling`;
    case 'progress':
      return `image ${event.reference}: layer ${event.layer} ${event.status}`;
    case 'pulled':
      return `image ${event.reference}: pulled in ${formatMs(event.durationMs)}`;
  }
}

function describeProcess(event: CompanionEvent & { topic: 'process' }): string {
  const who = `${event.file}${'pid' in event && event.pid !== null ? ` (pid ${event.pid})` : ''}`;
  switch (event.type) {
    case 'started':
      return `${who} started`;
    case 'start-failed':
      return `${who} could not be started: ${event.code}`;
    case 'exited':
      return `${who} ${describeStatus(event.status)} after ${formatMs(event.durationMs)}`;
    case 'output-unread':
      return `${who} is blocked: nobody reads its ${event.stream}`;
  }
}

function describeStatus(status: ExitStatus | null): string {
  if (status === null) return 'is lost';
  return status.signal === null ? `exited with code ${status.code}` : `was ended by ${status.signal}`;
}

function because(text: string | undefined): string {
  return text === undefined ? '' : `: ${text}`;
}
