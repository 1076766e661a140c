import { assessPage } from './assess';
import { commandLinePage } from './command-line';
import { composeSupportPage } from './compose-support';
import { configurationPage } from './configuration';
import { errorsPage } from './errors';
import type { Page } from './page';

/** Every page that is made from the sources. */
export const pages: readonly Page[] = [assessPage, commandLinePage, composeSupportPage, configurationPage, errorsPage];
