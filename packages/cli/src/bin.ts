#!/usr/bin/env node
import { main } from './main.js';
import { standardStreams } from './standard-streams.js';

// Leaves at once: what still holds the event loop open (an input nobody ends) has no say in it.
process.exit(await main(process.argv.slice(2), standardStreams()));
