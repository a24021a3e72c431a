import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Passes TCP connections on to a port of this machine, until it is told to go deaf as a network that loses every packet does. */
export class TcpGate {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #waiting = new Set<Socket>();
  #frozen = false;

  private constructor(target: number) {
    this.#target = target;
    // A half of a connection may end first: each end is passed on by itself.
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  static async open(target: number): Promise<TcpGate> {
    const gate = new TcpGate(target);
    await new Promise<void>((resolve) => gate.#server.listen(0, '127.0.0.1', resolve));
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing passes in either direction; connections stay open, new ones are accepted and get no answer. */
  freeze(): void {
    this.#frozen = true;
    for (const [client, server] of this.#pairs) {
      client.unpipe(server).pause();
      server.unpipe(client).pause();
    }
  }

  /** What was held back passes. */
  thaw(): void {
    this.#frozen = false;
    for (const [client, server] of this.#pairs) join(client, server);
    for (const socket of this.#waiting) this.#connect(socket);
    this.#waiting.clear();
  }

  /** Breaks off the connection that reaches the target from `port`. */
  reset(port: number): void {
    for (const [client, server] of this.#pairs) if (server.localPort === port) breakOff(client);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#waiting) socket.destroy();
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    // Whoever went away while nothing passed is forgotten; others see to their own ends.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#waiting.delete(socket));
    if (this.#frozen) this.#waiting.add(socket);
    else this.#connect(socket);
  }

  #connect(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    server.on('error', () => breakOff(client));
    client.on('close', end);
    server.on('close', end);
    if (this.#frozen) return;
    join(client, server);
  }
}

function join(client: Socket, server: Socket): void {
  client.pipe(server);
  server.pipe(client);
}

function breakOff(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
}
