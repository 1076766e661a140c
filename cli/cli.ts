#!/usr/bin/env node
import { deriveKeyEarly } from './early-key';
import { launch } from './launch';

deriveKeyEarly(process.argv.slice(2));
launch('cli-program');
