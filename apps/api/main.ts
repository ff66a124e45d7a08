import 'reflect-metadata';
import { runApp } from '#observability/run-app';
import { createApi } from './src/create-api';

void runApp('api', (environment) => environment.port, createApi);
