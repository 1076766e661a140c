import './stack-traces';

export { ComposeStack, type ComposeStackArgs, type ServiceOutput } from './compose-stack';
export { Database, type DatabaseArgs } from './database';
export { SchemaState, type SchemaStateArgs } from './schema-state';
export { Service, type ServiceArgs } from './service';
export { prepareFromConfig, type ProgramOptions } from './prepare';
export { stackOutput } from './stack-output';
