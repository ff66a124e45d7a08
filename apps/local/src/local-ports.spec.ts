import { createServer, type AddressInfo, type Server } from 'node:net';
import { isPortFree } from './free-port';
import { chooseLocalPorts } from './local-ports';

const HOST = '127.0.0.1';

let occupant: Server;
let takenPort: number;

beforeEach(async () => {
  occupant = createServer();
  await new Promise<void>((resolve) => {
    occupant.listen(0, HOST, resolve);
  });
  takenPort = (occupant.address() as AddressInfo).port;
});

afterEach(() => {
  occupant.close();
  delete process.env['PORT'];
  delete process.env['DISPATCHER_PORT'];
});

describe('chooseLocalPorts', () => {
  it('refuses a taken port that the environment names, and says which', async () => {
    process.env['PORT'] = String(takenPort);
    await expect(chooseLocalPorts(HOST, () => undefined)).rejects.toThrow(`port ${takenPort} is taken`);
  });

  it('refuses what is no port', async () => {
    process.env['PORT'] = '70000';
    await expect(chooseLocalPorts(HOST, () => undefined)).rejects.toThrow('PORT is not a port: 70000');
  });

  it('takes free ports that differ when the environment names none; an empty variable counts as unset', async () => {
    process.env['PORT'] = '';
    const ports = await chooseLocalPorts(HOST, () => undefined);
    expect(ports.api).not.toBe(ports.dispatcher);
    expect(await Promise.all([isPortFree(ports.api, HOST), isPortFree(ports.dispatcher, HOST)])).toEqual([true, true]);
  });
});
