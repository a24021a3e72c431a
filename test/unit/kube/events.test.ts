import { describe, expect, test } from '@jest/globals';
import { EventMemory } from '../../../src/kube/adapters/embedded/event-memory.ts';
import { AggregatingEventRecorder, type EventSink, type RecordedEvent } from '../../../src/kube/events.ts';
import { FakeClock, settled, widget } from './support.ts';

const ABOUT = { kind: 'Widget', namespace: 'default', name: 'a' };
const rendered = (message = 'done') => ({ type: 'Normal', reason: 'Rendered', message }) as const;

function make(sink: EventSink = new EventMemory()) {
  const clock = new FakeClock();
  const sanitise = (text: string) => text.replaceAll('hunter2', '***');
  return { clock, sink, recorder: new AggregatingEventRecorder({ sink, sanitise, now: () => clock.now() }) };
}

describe('AggregatingEventRecorder', () => {
  test('counts equal events within ten minutes, and begins anew after that', async () => {
    const memory = new EventMemory();
    const { recorder, clock } = make(memory);
    for (let index = 0; index < 3; index++) {
      recorder.record(widget('a'), rendered());
      clock.advance(60_000);
    }
    await recorder.flush();
    clock.advance(600_000);
    recorder.record(widget('a'), rendered());
    await recorder.flush();

    const [first, second, ...rest] = memory.of(ABOUT);
    expect(first).toMatchObject({ count: 3, reason: 'Rendered', message: 'done', regarding: { name: 'a' } });
    expect((first?.lastSeen.getTime() ?? 0) - (first?.firstSeen.getTime() ?? 0)).toBe(120_000);
    expect(second).toMatchObject({ count: 1 });
    expect(rest).toEqual([]);
  });

  test('joins events of one reason whose message changes all the time', async () => {
    const memory = new EventMemory({ perObject: 100 });
    const { recorder } = make(memory);
    for (let index = 0; index < 20; index++) recorder.record(widget('a'), rendered(`try ${index}`));
    await recorder.flush();

    const events = memory.of(ABOUT);
    expect(events.length).toBe(11);
    expect(events.at(-1)).toMatchObject({ count: 10, message: '(one of several like it) try 19' });
  });

  test('drops what is too much for one object, and for no other', async () => {
    const memory = new EventMemory();
    const { recorder, clock } = make(memory);
    for (let index = 0; index < 40; index++) recorder.record(widget('a'), rendered());
    recorder.record(widget('b'), rendered());
    await recorder.flush();
    expect(memory.of(ABOUT)[0]?.count).toBe(25);
    expect(memory.of({ ...ABOUT, name: 'b' })[0]?.count).toBe(1);
    expect(recorder.lost).toBe(15);

    clock.advance(300_000);
    recorder.record(widget('a'), rendered());
    recorder.record(widget('a'), rendered());
    await recorder.flush();

    expect(memory.of(ABOUT)[0]?.count).toBe(26);
  });

  test('messages are sanitised and short', async () => {
    const memory = new EventMemory();
    const { recorder } = make(memory);
    recorder.record(widget('a'), rendered(`hunter2 ${'x'.repeat(2000)}`));
    await recorder.flush();

    expect(memory.of(ABOUT)[0]?.message.startsWith('*** xxx')).toBe(true);
    expect(memory.of(ABOUT)[0]?.message.length).toBe(1000);
  });

  test('a sink that stands still or fails costs events, not memory or the caller', async () => {
    const open = Promise.withResolvers<void>();
    const written: RecordedEvent[] = [];
    const { recorder } = make({
      write: async (event) => {
        await open.promise;
        if (event.regarding.name === 'w1') throw new Error('sink');
        written.push(event);
      },
    });
    for (let index = 0; index < 3000; index++) recorder.record(widget(`w${index}`), rendered());
    await settled();
    for (let index = 0; index < 3; index++) recorder.record(widget('w2'), rendered());
    open.resolve();
    await recorder.flush();

    expect(written.length).toBe(999);
    expect(written.at(-1)).toMatchObject({ regarding: { name: 'w2' }, count: 4 });
    expect(recorder.lost).toBe(2001);
  });
});

test('EventMemory keeps the last events of each object', async () => {
  const memory = new EventMemory({ perObject: 2 });
  const { recorder } = make(memory);
  for (const reason of ['One', 'Two', 'Three', 'Two']) recorder.record(widget('a'), { ...rendered(), reason });
  await recorder.flush();

  expect(memory.of(ABOUT).map(({ reason, count }) => [reason, count])).toEqual([
    ['Three', 1],
    ['Two', 2],
  ]);
  expect(memory.of({ ...ABOUT, name: 'nothing' })).toEqual([]);
});
