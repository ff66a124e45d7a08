import 'reflect-metadata';
import { runApp } from '#observability/run-app';
import { createDispatcher } from './src/create-dispatcher';

void runApp('dispatcher', (environment) => environment.dispatcherPort, createDispatcher);
