//! The bulk read of counters while packets come in every clock.

use fpgaflow_abi::counters::{CounterRecord, RECORD_BYTES};
use fpgaflow_abi::key::Family;
use fpgaflow_abi::slot::{ENTRY_REF_BITS, EntryRef};
use fpgaflow_hdl::counters::{Counters, REPLY_AFTER};
use fpgaflow_hdl::host::dump::{COUNT_BITS, Dump};
use fpgaflow_hdl::host::types::{WriteBeat, WriteDone, WriteRequest};
use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{CounterRequest, LENGTH_BITS, SEEN_BITS};
use fpgaflow_hdl_guard::{Model, model, rng};
use rand::RngExt;

const EW: usize = 5;
const REF: usize = EW + 1;
const ENTRIES: u32 = 1 << EW;
/// Clocks that a record takes, by the contract of `Dump`.
const RECORD_CLOCKS: u64 = 6 + REPLY_AFTER as u64;
/// Bytes of every packet.
const BYTES: u64 = 64;

/// `Dump` before `Counters`.
#[derive(LogicBlock, Default)]
struct DumpedCounters {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub start: Signal<In, Bit>,
    pub entry: Signal<In, Bits<ENTRY_REF_BITS>>,
    pub count: Signal<In, Bits<COUNT_BITS>>,
    pub count_valid: Signal<In, Bit>,
    pub count_entry: Signal<In, Bits<ENTRY_REF_BITS>>,
    pub count_bytes: Signal<In, Bits<LENGTH_BITS>>,
    pub tick: Signal<In, Bits<SEEN_BITS>>,
    pub m_axis: StreamSource<WriteRequest>,
    pub m_axis_beat: StreamSource<WriteBeat>,
    pub record_done: Signal<In, Bit>,
    pub write_done: Signal<In, WriteDone>,
    pub finished: Signal<Out, Bit>,
    dump: Dump,
    counters: Counters<EW, EW, REF>,
}

impl Logic for DumpedCounters {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, dump, counters);
        self.dump.reset.next = self.reset.val();
        self.counters.reset.next = self.reset.val();
        self.dump.start.next = self.start.val();
        self.dump.entry.next = self.entry.val();
        self.dump.address.next = 0.into();
        self.dump.count.next = self.count.val();
        self.counters.count_valid.next = self.count_valid.val();
        self.counters.count_entry.next = self.count_entry.val();
        self.counters.count_bytes.next = self.count_bytes.val();
        self.counters.tick.next = self.tick.val();
        StreamSource::<CounterRequest>::join(&mut self.dump.m_axis_request, &mut self.counters.s_axis_request);
        self.dump.reply_valid.next = self.counters.reply_valid.val();
        self.dump.reply.next = self.counters.reply.val();
        StreamSource::<WriteRequest>::link(&mut self.m_axis, &mut self.dump.m_axis);
        StreamSource::<WriteBeat>::link(&mut self.m_axis_beat, &mut self.dump.m_axis_beat);
        self.dump.record_done.next = self.record_done.val();
        self.dump.write_done.next = self.write_done.val();
        self.finished.next = self.dump.finished.val();
    }
}

/// Clock and word of everything that one dump of all entries of `family` writes, with `traffic` in every clock or with none.
fn dump(m: &mut Model, family: Family, traffic: bool) -> Vec<(u64, u64)> {
    let mut rng = rng();
    let port = |name: &str| m.port(name);
    let [start, entry, count] = ["start", "entry", "count"].map(port);
    let [count_valid, count_entry, count_bytes, tick] = ["count_valid", "count_entry", "count_bytes", "tick"].map(port);
    let [ready, beat_ready, record_done, write_done] =
        ["m_axis_ready", "m_axis_beat_ready", "record_done", "write_done"].map(port);
    let [beat, beat_valid, finished] = ["m_axis_beat_data", "m_axis_beat_valid", "finished"].map(port);
    m.set(ready, 1);
    m.set(beat_ready, 1);
    m.set(entry, EntryRef::of(family, 0).into_bits().into());
    m.set(count, ENTRIES.into());
    m.set(start, 1);
    let mut words = vec![];
    for clock in 0_u64.. {
        assert!(clock < 10_000, "the dump does not end");
        m.set(count_valid, traffic.into());
        // Mostly the entry that is read now or the next, at times any.
        let read = (clock / RECORD_CLOCKS) as u32 + rng.random_range(0..=1);
        let hot = if rng.random_bool(0.7) { read % ENTRIES } else { rng.random_range(0..ENTRIES) };
        m.set(count_entry, EntryRef::of(family, hot).into_bits().into());
        m.set(count_bytes, BYTES);
        m.set(tick, clock + 1);
        // The bus answers for the last burst once all words are written.
        let all = words.len() == ENTRIES as usize * RECORD_BYTES / 8;
        m.set(record_done, all.into());
        m.set(write_done, 1);
        m.eval();
        if m.get(beat_valid) == 1 {
            let mut data = [0; 2];
            m.get_words(beat, &mut data);
            words.push((clock, data[0]));
        }
        let ends = m.get(finished) == 1;
        m.tick();
        m.set(start, 0);
        if ends {
            break;
        }
    }
    words
}

#[test]
fn a_dump_goes_on_at_full_speed_and_coherent_with_a_packet_in_every_clock() {
    let mut m = model("dumped_counters", DumpedCounters::default());
    for family in [Family::V4, Family::V6] {
        let quiet = dump(&mut m, family, false);
        let busy = dump(&mut m, family, true);
        let clocks = |words: &[(u64, u64)]| words.iter().map(|(clock, _)| *clock).collect::<Vec<_>>();
        assert_eq!(clocks(&quiet), clocks(&busy), "traffic slowed the dump down");
        let last = busy.last().expect("a dump writes").0;
        assert!(last < RECORD_CLOCKS * u64::from(ENTRIES) + 40, "{last} clocks for {ENTRIES} records");

        let mut counted = 0;
        for (i, words) in busy.chunks(RECORD_BYTES / 8).enumerate() {
            let record = CounterRecord::from_words(std::array::from_fn(|word| words[word].1));
            assert_eq!(record.bytes, BYTES * record.packets, "record {i} is not of one moment");
            assert_eq!(record.last_seen == 0, record.packets == 0, "record {i}");
            counted += record.packets;
        }
        assert!(counted > u64::from(ENTRIES), "only {counted} packets were seen");
    }
}
