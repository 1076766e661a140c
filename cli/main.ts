#!/usr/bin/env node
import '../components/preload';

import { outliveTheReader, reportFailure } from './failure';
import { rewindCommand } from './rewind';

outliveTheReader();
rewindCommand()
  .parseAsync()
  .catch((error: unknown) => {
    reportFailure(error);
  });
