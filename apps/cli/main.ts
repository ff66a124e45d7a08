import { createProgram } from './src/program';

const args = process.argv.slice(2);

void createProgram().parseAsync(args.length === 0 ? ['help'] : args, { from: 'user' });
