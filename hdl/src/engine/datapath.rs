//! The path of a packet: every block between the wires, wired.
//!
//! ```text
//!  s_axis_rx -> Receive --beats behind layer 2-------------------------------------------.
//!                  |                                                                     v
//!                  `--headers--> Parser ------> VerdictStage -------------------------> Merge -> TxPort -> m_axis_tx
//!                                  `-> FlowTable --^   `-> Counters                        `-> HostRx -> m_axis_punt
//!  s_axis_host --------------------------------------------------------------------------------> TxPort
//! ```
//! Between `Receive` and the verdict FIFO no header stalls: [`Credits`] admit no more frames than the FIFO holds. The layer 2 header
//! and the beats wait beside it in FIFOs of their own, the beats inside `Receive`. Parser and table start with the same header; what the parser
//! finds waits for what the table finds. `docs/pipeline.md` says what each block owes its neighbours.
//!
//! A macro, because rust-hdl cannot compute the many widths that follow from one: the module that [`engine!`](crate::engine!) makes says them as
//! constants.

/// The data path of an engine; for [`engine!`](crate::engine!), whose constants it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! engine_datapath {
    () => {
        /// The path of a packet, from wire to wire and to the host: see `fpgaflow_hdl::engine`.
        #[derive(LogicBlock)]
        pub struct Datapath {
            /// The engine's clock.
            pub clock: Signal<In, Clock>,
            /// Synchronous, active high; forgets every frame, leaves tables and counters alone.
            pub reset: Signal<In, Bit>,
            /// From the MACs.
            pub s_axis_rx: [WireSink<W, B>; PORTS],
            /// To the MACs.
            pub m_axis_tx: [WireSource<W, B>; PORTS],

            /// Ports that take frames in.
            pub rx_enable: [Signal<In, Bit>; PORTS],
            /// Ports that take frames for any destination.
            pub promiscuous: [Signal<In, Bit>; PORTS],
            /// Ports that drop what does not fit instead of holding up the engine.
            pub tail_drop: [Signal<In, Bit>; PORTS],
            /// Ethernet address of each port.
            pub port_mac: [Signal<In, Bits<48>>; PORTS],
            /// Look packets up.
            pub lookup_enable: Signal<In, Bit>,
            /// Let no frame in.
            pub hold: Signal<In, Bit>,
            /// Look fragments up, too.
            pub fragments: Signal<In, Bit>,
            /// Ticks that a datagram is remembered for its fragments.
            pub fragment_lifetime: Signal<In, Bits<FRAGMENT_LIFETIME_BITS>>,
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
            pub s_axis_host: BeatSink<W>,
            /// Length and egress port, beside their beats.
            pub host_frame: Signal<In, FrameInfo>,

            /// Ports that dropped a received frame in this clock.
            pub drop_valid: [Signal<Out, Bit>; PORTS],
            /// Why.
            pub drop_reason: [Signal<Out, Bits<REASON_BITS>>; PORTS],
            /// Ports that received a frame.
            pub received_valid: [Signal<Out, Bit>; PORTS],
            /// Its bytes.
            pub received_length: [Signal<Out, Bits<LENGTH_BITS>>; PORTS],
            /// Ports that sent a frame.
            pub sent_valid: [Signal<Out, Bit>; PORTS],
            /// Its bytes.
            pub sent_length: [Signal<Out, Bits<LENGTH_BITS>>; PORTS],
            /// Ports that dropped a frame to send.
            pub tx_full_valid: [Signal<Out, Bit>; PORTS],
            /// A verdict was reached.
            pub verdict_valid: Signal<Out, Bit>,
            /// Which.
            pub verdict_reason: Signal<Out, Bits<REASON_BITS>>,
            /// A punted frame was dropped.
            pub host_full_valid: Signal<Out, Bit>,
            /// A lookup met a row of a table that is bad.
            pub bad_row_valid: Signal<Out, Bit>,
            /// Which, as register `PARITY` has it.
            pub bad_row: Signal<Out, Bits<32>>,

            receive: Receive,
            header_l2: Signal<Local, L2Record>,
            credits: Credits<FRAMES_AW, { FRAMES_AW + 1 }>,
            parser: Parser<PORTS>,
            parsed: RingDelay<Parsed, { table::LATENCY - parse::LATENCY }>,
            l2: StreamFifo<L2Record, FRAMES_AW, { FRAMES_AW + 1 }>,
            flows: Table,
            stage: VerdictStage<NEXT_HOPS_AW, DATAGRAMS_AW>,
            bad_rows: BadRows,
            answer: Signal<Local, FlowAction>,
            counters: Counters<ENTRIES_V4_AW, ENTRIES_V6_AW, REF, { 1 - SELDOM_COUNTERS }, SELDOM_COUNTERS>,
            verdicts: SmallFifo<Verdict, FRAMES_AW, { FRAMES_AW + 1 }>,
            merge: Merge,
            tx: [TxPort; PORTS],
            host: HostRx,
            host_port: Signal<Local, Bits<{ PORT_BITS }>>,
            host_taken: Signal<Local, Bit>,
            ports: [Constant<Bits<{ PORT_BITS }>>; PORTS],
        }

        impl Datapath {
            fn new() -> Self {
                Self {
                    clock: Signal::default(),
                    reset: Signal::default(),
                    s_axis_rx: array::from_fn(|_| WireSink::default()),
                    m_axis_tx: array::from_fn(|_| WireSource::default()),
                    rx_enable: array::from_fn(|_| Signal::default()),
                    promiscuous: array::from_fn(|_| Signal::default()),
                    tail_drop: array::from_fn(|_| Signal::default()),
                    port_mac: array::from_fn(|_| Signal::default()),
                    lookup_enable: Signal::default(),
                    hold: Signal::default(),
                    fragments: Signal::default(),
                    fragment_lifetime: Signal::default(),
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
                    bad_row_valid: Signal::default(),
                    bad_row: Signal::default(),
                    receive: Receive::new(GEOMETRY.max_frame_bytes as usize),
                    header_l2: Signal::default(),
                    credits: Credits::default(),
                    parser: Parser::default(),
                    parsed: RingDelay::default(),
                    l2: StreamFifo::default(),
                    flows: Table::new(sizes::lookup_pace(W), GEOMETRY.hash_bits.into()),
                    stage: VerdictStage::new(sizes::lookup_pace(W)),
                    bad_rows: BadRows::default(),
                    answer: Signal::default(),
                    counters: Counters::default(),
                    verdicts: SmallFifo::default(),
                    merge: Merge::default(),
                    tx: array::from_fn(|_| TxPort::default()),
                    host: HostRx::default(),
                    host_port: Signal::default(),
                    host_taken: Signal::default(),
                    ports: array::from_fn(|port| Constant::new((port as u64).into())),
                }
            }
        }

        impl Logic for Datapath {
            #[hdl_gen]
            fn update(&mut self) {
                clock!(self, clock, receive, credits, parser, parsed, l2);
                clock!(self, clock, flows, stage, bad_rows, counters, verdicts, merge, host);
                self.receive.reset.next = self.reset.val();
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
                for i in 0..PORTS {
                    self.receive.enable[i].next = self.rx_enable[i].val();
                    WireSink::<W, B>::link(&mut self.s_axis_rx[i], &mut self.receive.s_axis[i]);
                    self.drop_valid[i].next = self.receive.drop_valid[i].val();
                    self.drop_reason[i].next = self.receive.drop_reason[i].val();
                    self.received_valid[i].next = self.receive.received_valid[i].val();
                    self.received_length[i].next = self.receive.received_length[i].val();
                }
                self.header_l2.next = self.receive.header.val().l2;
                BeatSource::<W>::join(&mut self.receive.m_axis, &mut self.merge.s_axis);

                // Layer 2 header and credits go round the middle.
                self.l2.s_axis.data.next = self.header_l2.val();
                self.l2.s_axis.valid.next = self.receive.header_valid.val();
                StreamSource::<L2Record>::join(&mut self.l2.m_axis, &mut self.merge.s_axis_l2);
                // A clear of counters asks for a clock without a packet: no frame enters in the clock that will be it.
                self.receive.credit.next = (self.credits.credit.val() & !self.hold.val()) & !self.counters.gap_wanted.val();
                self.credits.taken.next = self.receive.credit_taken.val();
                self.credits.returned.next = self.verdicts.m_axis.valid.val() & self.verdicts.m_axis.ready.val();

                // The middle.
                self.parser.header_valid.next = self.receive.header_valid.val();
                self.parser.header.next = self.receive.header.val();
                for i in 0..PORTS {
                    self.parser.promiscuous[i].next = self.promiscuous[i].val();
                    self.parser.port_mac[i].next = self.port_mac[i].val();
                }
                self.parser.lookup_enable.next = self.lookup_enable.val();
                self.parser.fragments.next = self.fragments.val();
                self.flows.lookup_valid.next = self.parser.key_valid.val();
                self.flows.can_hit.next = self.receive.can_hit.val();
                self.flows.key.next = self.parser.key.val();
                self.flows.mark.next = self.parser.mark.val();
                self.flows.fragment_s3.next = self.parser.fragment.val();
                self.flows.fragment_lifetime.next = self.fragment_lifetime.val();
                self.flows.forget.next = !(self.lookup_enable.val() & self.fragments.val());
                self.parsed.din_valid.next = self.parser.parsed_valid.val();
                self.parsed.din.next = self.parser.parsed.val();
                self.flows.secret.next = self.secret.val();
                self.flows.write_valid.next = self.write_valid.val();
                self.flows.write.next = self.write.val();
                self.stage.action_valid.next = self.flows.answer_valid.val();
                self.answer.next = self.flows.answer.val();
                self.stage.action.next = self.answer.val();
                self.stage.parsed.next = self.parsed.dout.val();
                self.stage.write_valid.next = self.write_valid.val();
                self.stage.write.next = self.write.val();
                self.counters.count_valid.next = self.stage.count_valid.val();
                self.counters.count_entry.next = self.stage.count_entry.val();
                self.counters.count_bytes.next = self.stage.count_bytes.val();
                for shift in (TICK_SHIFT as usize)..(TICK_SHIFT as usize + 1) {
                    self.counters.tick.next = self.now.val().get_bits::<SEEN_BITS>(shift);
                    self.flows.tick.next = self.now.val().get_bits::<SEEN_BITS>(shift);
                }
                StreamSink::<CounterRequest>::link(&mut self.s_axis_request, &mut self.counters.s_axis_request);
                self.reply_valid.next = self.counters.reply_valid.val();
                self.reply.next = self.counters.reply.val();
                self.bad_rows.slot_valid.next = self.flows.bad_slot_valid.val();
                self.bad_rows.slot.next = self.flows.bad_slot.val();
                self.bad_rows.entry_valid.next = self.flows.bad_entry_valid.val();
                self.bad_rows.entry.next = self.answer.val().entry;
                self.bad_rows.next_hop_valid.next = self.stage.bad_next_hop_valid.val();
                self.bad_rows.next_hop.next = self.stage.bad_next_hop.val();
                self.bad_row_valid.next = self.bad_rows.found.val();
                self.bad_row.next = self.bad_rows.row.val();
                self.verdict_valid.next = self.stage.verdict_valid.val();
                self.verdict_reason.next = self.stage.verdict.val().reason;

                // Credits keep the verdict FIFO from ever being full.
                self.verdicts.s_axis.valid.next = self.stage.verdict_valid.val();
                self.verdicts.s_axis.data.next = self.stage.verdict.val();
                StreamSource::<Verdict>::join(&mut self.verdicts.m_axis, &mut self.merge.s_axis_verdict);

                // Transmit. A frame of the host is offered to the port that it names.
                self.host_port.next = self.host_frame.val().port;
                self.host_taken.next = false;
                for i in 0..PORTS {
                    self.tx[i].clock.next = self.clock.val();
                    self.tx[i].reset.next = self.reset.val();
                    BeatSource::<W>::join(&mut self.merge.m_axis_tx[i], &mut self.tx[i].s_axis_flow);
                    self.tx[i].frame_flow.next = self.merge.frame.val();
                    self.tx[i].tail_drop.next = self.tail_drop[i].val();
                    self.tx[i].s_axis_host.data.next = self.s_axis_host.data.val();
                    self.tx[i].s_axis_host.last.next = self.s_axis_host.last.val();
                    self.tx[i].frame_host.next = self.host_frame.val();
                    self.tx[i].s_axis_host.valid.next = false;
                    if self.host_port.val() == self.ports[i].val() {
                        self.tx[i].s_axis_host.valid.next = self.s_axis_host.valid.val();
                        self.host_taken.next = self.tx[i].s_axis_host.ready.val();
                    }
                    WireSource::<W, B>::link(&mut self.m_axis_tx[i], &mut self.tx[i].m_axis);
                    self.sent_valid[i].next = self.tx[i].sent_valid.val();
                    self.sent_length[i].next = self.tx[i].sent_length.val();
                    self.tx_full_valid[i].next = self.tx[i].full_valid.val();
                }
                self.s_axis_host.ready.next = self.host_taken.val();

                // Punts.
                BeatSource::<W>::join(&mut self.merge.m_axis_host, &mut self.host.s_axis);
                self.host.punt.next = self.merge.punt.val();
                StreamSource::<PuntInfo>::link(&mut self.m_axis_punt, &mut self.host.m_axis_info);
                BeatSource::<64>::link(&mut self.m_axis_punt_beats, &mut self.host.m_axis);
                self.host_full_valid.next = self.host.drop_valid.val();
            }
        }
    };
}
