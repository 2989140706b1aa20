//! The path of a packet: every block between the wires, wired.
//!
//! ```text
//!  s_axis_rx -> RxPort -> RxArbiter --beats--> FIFO --------------------------> Strip ---.
//!                             |                                                          v
//!                             `--heads--> SplitHead --> Parser ------> VerdictStage --> Merge -> TxPort -> m_axis_tx
//!                                                         `-> FlowTable --^   `-> Counters `-> HostRx -> m_axis_punt
//!  s_axis_host --------------------------------------------------------------------------------> TxPort
//! ```
//! Between `RxArbiter` and the verdict FIFO no head stalls: [`Credits`] admit no more frames than the FIFO holds. The layer 2 header
//! and the beats wait beside it in FIFOs of their own, the beats with their header, which comes off behind the FIFO. Parser and table start with the same head; what the parser finds waits for what
//! the table finds. `docs/pipeline.md` says what each block owes its neighbours.
//!
//! One macro makes the data path of each width: rust-hdl cannot compute the many widths that follow from one.

use std::array;

use fpgaflow_abi::counters::TICK_SHIFT;
use fpgaflow_abi::hash::SECRET_BITS;

use crate::counters::Counters;
use crate::engine::Credits;
use crate::parse::{self, Parser};
use crate::prelude::*;
use crate::records::{
    BeatSink, BeatSource, CLOCK_BITS, CounterReply, CounterRequest, FrameInfo, L2Record, LENGTH_BITS, Parsed, PuntInfo,
    REASON_BITS, SEEN_BITS, TableWrite, Verdict,
};
use crate::rx::{RxArbiter, SplitHead, Strip, WireSink};
use crate::table::{self, FlowTable, RingDelay};
use crate::tx::{Merge, WireSource};
use crate::verdict::VerdictStage;

/// Frames between `RxArbiter` and `Merge` at most, as a power of two: more than the pipeline has clocks, so that a packet a clock
/// never waits for a credit.
pub const FRAMES_AW: usize = 6;

macro_rules! datapath {
    (
        $(#[$doc:meta])* $name:ident: width $w:tt, lanes $b:tt, ports $ports:tt, stored word $word:tt, payload address $paw:tt $pcw:tt,
        rx $rx_port:ty, head $head:path, tx $tx_port:ty, host $host_rx:ty,
        table $table:ty, entries $ew4:tt $ew6:tt, reference $ref:tt, next hops $nw:tt
    ) => {
        $(#[$doc])*
        #[derive(LogicBlock)]
        pub struct $name {
            /// The engine's clock.
            pub clock: Signal<In, Clock>,
            /// Synchronous, active high; forgets every frame, leaves tables and counters alone.
            pub reset: Signal<In, Bit>,
            /// From the MACs.
            pub s_axis_rx: [WireSink<$w, $b>; $ports],
            /// To the MACs.
            pub m_axis_tx: [WireSource<$w, $b>; $ports],

            /// Ports that take frames in.
            pub rx_enable: Signal<In, Bits<$ports>>,
            /// Ports that take frames for any destination.
            pub promiscuous: Signal<In, Bits<$ports>>,
            /// Ports that drop what does not fit instead of holding up the engine.
            pub tail_drop: Signal<In, Bits<$ports>>,
            /// Ethernet address of each port.
            pub port_mac: [Signal<In, Bits<48>>; $ports],
            /// Look packets up.
            pub lookup_enable: Signal<In, Bit>,
            /// Secret of the keyed hash.
            pub secret: Signal<In, Bits<SECRET_BITS>>,
            /// Clock counter.
            pub now: Signal<In, Bits<CLOCK_BITS>>,

            /// There is a table write.
            pub write_valid: Signal<In, Bit>,
            /// The write.
            pub write: Signal<In, TableWrite>,
            /// Counters to read or clear.
            pub s_axis_request: StreamSink<CounterRequest>,
            /// A reply to a request.
            pub reply_valid: Signal<Out, Bit>,
            /// The reply.
            pub reply: Signal<Out, CounterReply>,

            /// What the next punted frame is.
            pub m_axis_punt: StreamSource<PuntInfo>,
            /// Its beats.
            pub m_axis_punt_beats: BeatSource<64>,
            /// Frames of the host.
            pub s_axis_host: BeatSink<$w>,
            /// Length and egress port, beside their beats.
            pub host_frame: Signal<In, FrameInfo>,

            /// Ports that dropped a received frame in this clock.
            pub drop_valid: [Signal<Out, Bit>; $ports],
            /// Why.
            pub drop_reason: [Signal<Out, Bits<REASON_BITS>>; $ports],
            /// Ports that received a frame.
            pub received_valid: [Signal<Out, Bit>; $ports],
            /// Its bytes.
            pub received_length: [Signal<Out, Bits<LENGTH_BITS>>; $ports],
            /// Ports that sent a frame.
            pub sent_valid: [Signal<Out, Bit>; $ports],
            /// Its bytes.
            pub sent_length: [Signal<Out, Bits<LENGTH_BITS>>; $ports],
            /// Ports that dropped a frame to send.
            pub tx_full_valid: [Signal<Out, Bit>; $ports],
            /// A verdict was reached.
            pub verdict_valid: Signal<Out, Bit>,
            /// Which.
            pub verdict_reason: Signal<Out, Bits<REASON_BITS>>,
            /// A punted frame was dropped.
            pub host_full_valid: Signal<Out, Bit>,

            rx: [$rx_port; $ports],
            arbiter: RxArbiter<$w, { $head }, $ports>,
            split: SplitHead<{ $head }>,
            // Merge may have begun with frames whose first beat is not yet here: more than there are credits.
            strip: Strip<$w, { FRAMES_AW + 1 }, { FRAMES_AW + 2 }>,
            header_l2: Signal<Local, L2Record>,
            header_frame: Signal<Local, FrameInfo>,
            payload: StreamFifo<Bits<$word>, $paw, $pcw>,
            payload_in: Signal<Local, Bits<$word>>,
            payload_out: Signal<Local, Bits<$word>>,
            credits: Credits<FRAMES_AW, { FRAMES_AW + 1 }>,
            parser: Parser<$ports>,
            parsed: RingDelay<Parsed, { table::LATENCY - parse::LATENCY }>,
            l2: StreamFifo<L2Record, FRAMES_AW, { FRAMES_AW + 1 }>,
            flows: $table,
            stage: VerdictStage<$nw>,
            counters: Counters<$ew4, $ew6, $ref>,
            verdicts: CutFifo<Verdict, FRAMES_AW, { FRAMES_AW + 1 }>,
            merge: Merge<$w, $ports>,
            tx: [$tx_port; $ports],
            host: $host_rx,
            host_port: Signal<Local, Bits<{ crate::records::PORT_BITS }>>,
            host_taken: Signal<Local, Bit>,
            ports: [Constant<Bits<{ crate::records::PORT_BITS }>>; $ports],
        }

        impl $name {
            /// A data path whose longest frame has `max_frame_bytes`.
            pub fn new(max_frame_bytes: usize) -> Self {
                Self {
                    clock: Signal::default(),
                    reset: Signal::default(),
                    s_axis_rx: array::from_fn(|_| WireSink::default()),
                    m_axis_tx: array::from_fn(|_| WireSource::default()),
                    rx_enable: Signal::default(),
                    promiscuous: Signal::default(),
                    tail_drop: Signal::default(),
                    port_mac: array::from_fn(|_| Signal::default()),
                    lookup_enable: Signal::default(),
                    secret: Signal::default(),
                    now: Signal::default(),
                    write_valid: Signal::default(),
                    write: Signal::default(),
                    s_axis_request: StreamSink::default(),
                    reply_valid: Signal::default(),
                    reply: Signal::default(),
                    m_axis_punt: StreamSource::default(),
                    m_axis_punt_beats: BeatSource::default(),
                    s_axis_host: BeatSink::default(),
                    host_frame: Signal::default(),
                    drop_valid: array::from_fn(|_| Signal::default()),
                    drop_reason: array::from_fn(|_| Signal::default()),
                    received_valid: array::from_fn(|_| Signal::default()),
                    received_length: array::from_fn(|_| Signal::default()),
                    sent_valid: array::from_fn(|_| Signal::default()),
                    sent_length: array::from_fn(|_| Signal::default()),
                    tx_full_valid: array::from_fn(|_| Signal::default()),
                    verdict_valid: Signal::default(),
                    verdict_reason: Signal::default(),
                    host_full_valid: Signal::default(),
                    rx: array::from_fn(|port| <$rx_port>::new(port, max_frame_bytes)),
                    arbiter: RxArbiter::default(),
                    split: SplitHead::default(),
                    strip: Strip::default(),
                    header_l2: Signal::default(),
                    header_frame: Signal::default(),
                    payload: StreamFifo::default(),
                    payload_in: Signal::default(),
                    payload_out: Signal::default(),
                    credits: Credits::default(),
                    parser: Parser::default(),
                    parsed: RingDelay::default(),
                    l2: StreamFifo::default(),
                    flows: <$table>::default(),
                    stage: VerdictStage::default(),
                    counters: Counters::default(),
                    verdicts: CutFifo::default(),
                    merge: Merge::default(),
                    tx: array::from_fn(|_| <$tx_port>::default()),
                    host: <$host_rx>::default(),
                    host_port: Signal::default(),
                    host_taken: Signal::default(),
                    ports: array::from_fn(|port| Constant::new((port as u64).into())),
                }
            }
        }

        impl Logic for $name {
            #[hdl_gen]
            fn update(&mut self) {
                clock!(self, clock, arbiter, split, strip, payload, credits, parser, parsed, l2);
                clock!(self, clock, flows, stage, counters, verdicts, merge, host);
                self.arbiter.reset.next = self.reset.val();
                self.split.reset.next = self.reset.val();
                self.strip.reset.next = self.reset.val();
                self.payload.reset.next = self.reset.val();
                self.credits.reset.next = self.reset.val();
                self.parser.reset.next = self.reset.val();
                self.l2.reset.next = self.reset.val();
                self.flows.reset.next = self.reset.val();
                self.stage.reset.next = self.reset.val();
                self.counters.reset.next = self.reset.val();
                self.verdicts.reset.next = self.reset.val();
                self.merge.reset.next = self.reset.val();
                self.host.reset.next = self.reset.val();

                // Receive.
                for i in 0..$ports {
                    self.rx[i].clock.next = self.clock.val();
                    self.rx[i].reset.next = self.reset.val();
                    self.rx[i].enable.next = self.rx_enable.val().get_bit(i);
                    WireSink::<$w, $b>::link(&mut self.s_axis_rx[i], &mut self.rx[i].s_axis);
                    StreamSource::<FrameInfo>::join(&mut self.rx[i].m_axis_frame, &mut self.arbiter.s_axis_frame[i]);
                    self.arbiter.s_head_valid[i].next = self.rx[i].m_head_valid.val();
                    self.arbiter.s_head[i].next = self.rx[i].m_head.val();
                    BeatSource::<$w>::join(&mut self.rx[i].m_axis_beats, &mut self.arbiter.s_axis_beats[i]);
                    self.drop_valid[i].next = self.rx[i].drop_valid.val();
                    self.drop_reason[i].next = self.rx[i].drop_reason.val();
                    self.received_valid[i].next = self.rx[i].received_valid.val();
                    self.received_length[i].next = self.rx[i].received_length.val();
                }
                self.split.head_valid.next = self.arbiter.m_head_valid.val();
                self.split.head.next = self.arbiter.m_head.val();
                self.split.frame.next = self.arbiter.m_frame.val();
                self.header_l2.next = self.split.header.val().l2;
                self.header_frame.next = self.split.header.val().frame;

                // Beats, layer 2 header and credits go round the middle.
                self.payload_in.next = bit_cast::<$word, $w>(self.arbiter.m_axis.data.val());
                self.payload.s_axis.data.next = self.payload_in.val().replace_bit($w, self.arbiter.m_axis.last.val());
                self.payload.s_axis.valid.next = self.arbiter.m_axis.valid.val();
                self.arbiter.m_axis.ready.next = self.payload.s_axis.ready.val();
                self.payload_out.next = self.payload.m_axis.data.val();
                self.strip.s_axis.data.next = self.payload_out.val().get_bits::<$w>(0);
                self.strip.s_axis.last.next = self.payload_out.val().get_bit($w);
                self.strip.s_axis.valid.next = self.payload.m_axis.valid.val();
                self.payload.m_axis.ready.next = self.strip.s_axis.ready.val();
                self.strip.header_valid.next = self.split.header_valid.val();
                self.strip.l2_length.next = self.header_l2.val().length;
                self.strip.length.next = self.header_frame.val().length;
                BeatSource::<$w>::join(&mut self.strip.m_axis, &mut self.merge.s_axis);
                self.l2.s_axis.data.next = self.header_l2.val();
                self.l2.s_axis.valid.next = self.split.header_valid.val();
                StreamSource::<L2Record>::join(&mut self.l2.m_axis, &mut self.merge.s_axis_l2);
                // A clear of counters asks for a clock without a packet: no frame enters in the clock that will be it.
                self.arbiter.credit.next = self.credits.credit.val() & !self.counters.gap_wanted.val();
                self.credits.taken.next = self.arbiter.credit_taken.val();
                self.credits.returned.next = self.verdicts.m_axis.valid.val() & self.verdicts.m_axis.ready.val();

                // The middle.
                self.parser.header_valid.next = self.split.header_valid.val();
                self.parser.header.next = self.split.header.val();
                for i in 0..$ports {
                    self.parser.promiscuous[i].next = self.promiscuous.val().get_bit(i);
                    self.parser.port_mac[i].next = self.port_mac[i].val();
                }
                self.parser.lookup_enable.next = self.lookup_enable.val();
                self.flows.lookup_valid.next = self.parser.key_valid.val();
                self.flows.key.next = self.parser.key.val();
                self.parsed.din_valid.next = self.parser.parsed_valid.val();
                self.parsed.din.next = self.parser.parsed.val();
                self.flows.secret.next = self.secret.val();
                self.flows.write_valid.next = self.write_valid.val();
                self.flows.write.next = self.write.val();
                self.stage.action_valid.next = self.flows.answer_valid.val();
                self.stage.action.next = self.flows.answer.val();
                self.stage.parsed.next = self.parsed.dout.val();
                self.stage.write_valid.next = self.write_valid.val();
                self.stage.write.next = self.write.val();
                self.counters.count_valid.next = self.stage.count_valid.val();
                self.counters.count_entry.next = self.stage.count_entry.val();
                self.counters.count_bytes.next = self.stage.count_bytes.val();
                for shift in (TICK_SHIFT as usize)..(TICK_SHIFT as usize + 1) {
                    self.counters.tick.next = self.now.val().get_bits::<SEEN_BITS>(shift);
                }
                StreamSink::<CounterRequest>::link(&mut self.s_axis_request, &mut self.counters.s_axis_request);
                self.reply_valid.next = self.counters.reply_valid.val();
                self.reply.next = self.counters.reply.val();
                self.verdict_valid.next = self.stage.verdict_valid.val();
                self.verdict_reason.next = self.stage.verdict.val().reason;

                // Credits keep the verdict FIFO from ever being full.
                self.verdicts.s_axis.valid.next = self.stage.verdict_valid.val();
                self.verdicts.s_axis.data.next = self.stage.verdict.val();
                StreamSource::<Verdict>::join(&mut self.verdicts.m_axis, &mut self.merge.s_axis_verdict);

                // Transmit. A frame of the host is offered to the port that it names.
                self.host_port.next = self.host_frame.val().port;
                self.host_taken.next = false;
                for i in 0..$ports {
                    self.tx[i].clock.next = self.clock.val();
                    self.tx[i].reset.next = self.reset.val();
                    BeatSource::<$w>::join(&mut self.merge.m_axis_tx[i], &mut self.tx[i].s_axis_flow);
                    self.tx[i].frame_flow.next = self.merge.frame.val();
                    self.tx[i].tail_drop.next = self.tail_drop.val().get_bit(i);
                    self.tx[i].s_axis_host.data.next = self.s_axis_host.data.val();
                    self.tx[i].s_axis_host.last.next = self.s_axis_host.last.val();
                    self.tx[i].frame_host.next = self.host_frame.val();
                    self.tx[i].s_axis_host.valid.next = false;
                    if self.host_port.val() == self.ports[i].val() {
                        self.tx[i].s_axis_host.valid.next = self.s_axis_host.valid.val();
                        self.host_taken.next = self.tx[i].s_axis_host.ready.val();
                    }
                    WireSource::<$w, $b>::link(&mut self.m_axis_tx[i], &mut self.tx[i].m_axis);
                    self.sent_valid[i].next = self.tx[i].sent_valid.val();
                    self.sent_length[i].next = self.tx[i].sent_length.val();
                    self.tx_full_valid[i].next = self.tx[i].full_valid.val();
                }
                self.s_axis_host.ready.next = self.host_taken.val();

                // Punts.
                BeatSource::<$w>::join(&mut self.merge.m_axis_host, &mut self.host.s_axis);
                self.host.punt.next = self.merge.punt.val();
                StreamSource::<PuntInfo>::link(&mut self.m_axis_punt, &mut self.host.m_axis_info);
                BeatSource::<64>::link(&mut self.m_axis_punt_beats, &mut self.host.m_axis);
                self.host_full_valid.next = self.host.drop_valid.val();
            }
        }
    };
}

datapath! {
    /// Two ports, 64 bits; 8,192 slots, 8,192 IPv4 and 2,048 IPv6 entries, 256 next hops.
    Datapath64x2: width 64, lanes 8, ports 2, stored word 65, payload address 6 7,
    rx crate::rx::RxPort64, head crate::rx::HEAD_64, tx crate::tx::TxPort64, host crate::tx::HostRx64,
    table FlowTable<10, 13, 11, 14, 31, 8>, entries 13 11, reference 14, next hops 8
}

datapath! {
    /// Two ports, 512 bits; tables as [`Datapath64x2`].
    Datapath512x2: width 512, lanes 64, ports 2, stored word 513, payload address 6 7,
    rx crate::rx::RxPort512, head crate::rx::HEAD_512, tx crate::tx::TxPort512, host crate::tx::HostRx512,
    table FlowTable<10, 13, 11, 14, 31, 8>, entries 13 11, reference 14, next hops 8
}
