import './stack-traces';

export { ComposeStack, type ComposeStackArgs, type ServiceOutput } from './compose-stack';
export { Service, type ServiceArgs } from './service';
export { prepareFromConfig, type ProgramOptions } from './prepare';
export { stackOutput } from './stack-output';
