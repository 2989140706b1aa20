//! The whole engine: data path and host side behind the pins that a board connects.
//!
//! ```text
//!                +---------------------------------+
//!  s_axis_rx_* ->|            Datapath             |-> m_axis_tx_*
//!                |     ^ tables         | punts    |
//!                |   Clear <- writes    v          |
//!  s_axil_* <--->|            HostSide             |<-> m_axi_*
//!                |                                 |--> irq_*
//!                +---------------------------------+
//! ```
//! # Contract
//! - One clock; `reset` is synchronous and active high. For `SLOTS` clocks after it the slot table is emptied and everything else
//!   stays in reset: no port takes a beat and no register access is answered, they wait.
//! - No output depends on an input of the same clock.

/// Makes an engine: a module with `GEOMETRY`, the engine of that size as `Engine`, its `Datapath`, and their sizes.
///
/// ```
/// mod small {
///     use fpgaflow_hdl::engine::Tables;
///     fpgaflow_hdl::engine! {
///         /// One port, 64 bits, 64 slots.
///         pub mod engine = Tables { bucket_bits: 3, entries_v4: 64, entries_v6: 16, next_hops: 16 }.geometry(64, 1);
///     }
/// }
/// assert_eq!(small::engine::GEOMETRY.slots(), 64);
/// ```
///
/// The geometry is said there and nowhere else. One that cannot be built (a width other than 64 and 512, no port or more than four, a table
/// whose rows are no power of two, a stash of more than 32) does not compile or panics in `Engine::default()` with what is wrong.
#[macro_export]
macro_rules! engine {
    ($(#[$doc:meta])* $visibility:vis mod $name:ident = $geometry:expr;) => {
        $(#[$doc])*
        $visibility mod $name {
            use ::std::array;

            use $crate::engine::parts::*;
            use $crate::prelude::*;

            /// What this engine is; its identity registers say so.
            pub const GEOMETRY: Geometry = {
                use super::*;
                $geometry
            };
            /// Bits of a beat.
            const W: usize = GEOMETRY.width_bits as usize;
            /// Bytes of a beat.
            const B: usize = W / 8;
            const PORTS: usize = GEOMETRY.ports as usize;
            const SLOTS_AW: usize = sizes::index_bits(GEOMETRY.slots());
            const ENTRIES_V4_AW: usize = sizes::index_bits(GEOMETRY.entries_v4);
            const ENTRIES_V6_AW: usize = sizes::index_bits(GEOMETRY.entries_v6);
            const NEXT_HOPS_AW: usize = sizes::index_bits(GEOMETRY.next_hops);
            const REF: usize = sizes::entry_ref_bits(&GEOMETRY);
            const DATAGRAMS_AW: usize = fragment::row_bits(GEOMETRY.width_bits);
            /// Bits of a beat in a store, with its end and the bytes of the last.
            const TX_WORD: usize = word_bits(W);
            /// Beats of the stores for frames at the ports. Those towards and from the host have as many beats at every width: what comes faster
            /// than the host takes it has to wait for it.
            const STORE_AW: usize = sizes::store_aw(&GEOMETRY, W);
            const HOST_AW: usize = sizes::store_aw(&GEOMETRY, HOST_BEAT_BITS);
            const RX_FRAMES_AW: usize = sizes::frames_in_store_aw(STORE_AW, W);
            const HOST_FRAMES_AW: usize = sizes::host_frames_aw(HOST_AW, W);
            const FRAMES_AW: usize = sizes::frames_aw(W);
            const SELDOM_COUNTERS: usize = sizes::seldom_counters(W);
            const _: () = assert!(matches!(W, 64 | 512) && PORTS >= 1 && PORTS <= MAX_PORTS);
            /// Clocks from a command's write to the last table that has it, whose row must be there still.
            const WRITE_CLOCKS: usize = CLEAR_LATENCY + sizes::lookup_pace(W).write_waits();
            const _: () = assert!(WRITE_CLOCKS <= ROW_STANDS);

            // Merge may have begun with frames whose first beat is not yet there: more headers wait than there are credits.
            type Receive = <Width<W> as $crate::rx::Receive<
                PORTS,
                STORE_AW,
                { STORE_AW + 1 },
                RX_FRAMES_AW,
                { RX_FRAMES_AW + 1 },
                { FRAMES_AW + 1 },
                { FRAMES_AW + 2 },
            >>::Block;
            type TxPort = $crate::tx::TxPort<W, B, TX_WORD, STORE_AW, { STORE_AW + 1 }>;
            type Merge = <Width<W> as Merges<PORTS>>::Merge;
            /// The store towards the host.
            pub type HostRx = $crate::tx::HostRx<W, HOST_AW, { HOST_AW + 1 }, HOST_FRAMES_AW, { HOST_FRAMES_AW + 1 }>;
            type Table = FlowTable<
                { GEOMETRY.bucket_bits as usize },
                ENTRIES_V4_AW,
                ENTRIES_V6_AW,
                REF,
                { sizes::slot_bits(&GEOMETRY) },
                { GEOMETRY.stash as usize },
                DATAGRAMS_AW,
            >;

            $crate::engine_datapath!();
            $crate::engine_top!();
        }
    };
}

/// The top of an engine; for [`engine!`](crate::engine!), whose constants it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! engine_top {
    () => {
        /// The whole engine behind its pins: see `fpgaflow_hdl::engine`.
        #[derive(LogicBlock)]
        pub struct Engine {
            /// The one clock.
            pub clock: Signal<In, Clock>,
            /// Synchronous, active high.
            pub reset: Signal<In, Bit>,
            /// From the MACs.
            pub s_axis_rx: [WireSink<W, B>; PORTS],
            /// To the MACs.
            pub m_axis_tx: [WireSource<W, B>; PORTS],

            /// AXI4-Lite write address.
            pub s_axil_awaddr: Signal<In, Bits<ADDRESS_BITS>>,
            /// AXI4-Lite handshake.
            pub s_axil_awvalid: Signal<In, Bit>,
            /// AXI4-Lite handshake.
            pub s_axil_awready: Signal<Out, Bit>,
            /// AXI4-Lite write data.
            pub s_axil_wdata: Signal<In, Bits<32>>,
            /// AXI4-Lite strobes.
            pub s_axil_wstrb: Signal<In, Bits<4>>,
            /// AXI4-Lite handshake.
            pub s_axil_wvalid: Signal<In, Bit>,
            /// AXI4-Lite handshake.
            pub s_axil_wready: Signal<Out, Bit>,
            /// AXI4-Lite response.
            pub s_axil_bresp: Signal<Out, Bits<2>>,
            /// AXI4-Lite handshake.
            pub s_axil_bvalid: Signal<Out, Bit>,
            /// AXI4-Lite handshake.
            pub s_axil_bready: Signal<In, Bit>,
            /// AXI4-Lite read address.
            pub s_axil_araddr: Signal<In, Bits<ADDRESS_BITS>>,
            /// AXI4-Lite handshake.
            pub s_axil_arvalid: Signal<In, Bit>,
            /// AXI4-Lite handshake.
            pub s_axil_arready: Signal<Out, Bit>,
            /// AXI4-Lite read data.
            pub s_axil_rdata: Signal<Out, Bits<32>>,
            /// AXI4-Lite response.
            pub s_axil_rresp: Signal<Out, Bits<2>>,
            /// AXI4-Lite handshake.
            pub s_axil_rvalid: Signal<Out, Bit>,
            /// AXI4-Lite handshake.
            pub s_axil_rready: Signal<In, Bit>,

            /// AXI4 write ID: 0.
            pub m_axi_awid: Signal<Out, Bits<1>>,
            /// AXI4 write address.
            pub m_axi_awaddr: Signal<Out, Bits<64>>,
            /// Beats, less one.
            pub m_axi_awlen: Signal<Out, Bits<8>>,
            /// Bytes of a beat, as a power of two.
            pub m_axi_awsize: Signal<Out, Bits<3>>,
            /// INCR.
            pub m_axi_awburst: Signal<Out, Bits<2>>,
            /// AXI4 handshake.
            pub m_axi_awvalid: Signal<Out, Bit>,
            /// AXI4 handshake.
            pub m_axi_awready: Signal<In, Bit>,
            /// AXI4 write data.
            pub m_axi_wdata: Signal<Out, Bits<64>>,
            /// Bytes that count.
            pub m_axi_wstrb: Signal<Out, Bits<8>>,
            /// Last beat of a burst.
            pub m_axi_wlast: Signal<Out, Bit>,
            /// AXI4 handshake.
            pub m_axi_wvalid: Signal<Out, Bit>,
            /// AXI4 handshake.
            pub m_axi_wready: Signal<In, Bit>,
            /// AXI4 response.
            pub m_axi_bresp: Signal<In, Bits<2>>,
            /// AXI4 handshake.
            pub m_axi_bvalid: Signal<In, Bit>,
            /// AXI4 handshake.
            pub m_axi_bready: Signal<Out, Bit>,
            /// AXI4 read ID: 0.
            pub m_axi_arid: Signal<Out, Bits<1>>,
            /// AXI4 read address.
            pub m_axi_araddr: Signal<Out, Bits<64>>,
            /// Beats, less one.
            pub m_axi_arlen: Signal<Out, Bits<8>>,
            /// Bytes of a beat, as a power of two.
            pub m_axi_arsize: Signal<Out, Bits<3>>,
            /// INCR.
            pub m_axi_arburst: Signal<Out, Bits<2>>,
            /// AXI4 handshake.
            pub m_axi_arvalid: Signal<Out, Bit>,
            /// AXI4 handshake.
            pub m_axi_arready: Signal<In, Bit>,
            /// AXI4 read data.
            pub m_axi_rdata: Signal<In, Bits<64>>,
            /// AXI4 response.
            pub m_axi_rresp: Signal<In, Bits<2>>,
            /// Last beat of a burst.
            pub m_axi_rlast: Signal<In, Bit>,
            /// AXI4 handshake.
            pub m_axi_rvalid: Signal<In, Bit>,
            /// AXI4 handshake.
            pub m_axi_rready: Signal<Out, Bit>,

            /// An interrupt is asked for.
            pub irq_valid: Signal<Out, Bit>,
            /// Its vector.
            pub irq_vector: Signal<Out, Bits<2>>,
            /// It is taken.
            pub irq_ready: Signal<In, Bit>,

            clear: Clear<SLOTS_AW>,
            // Everything else starts when the slots are empty.
            hold: DFF<Bit>,
            datapath: Datapath,
            host: HostSide<PORTS, HOST_AW, { HOST_AW + 1 }>,
            rx_enable: Signal<Local, Bits<MAX_PORTS>>,
            promiscuous: Signal<Local, Bits<MAX_PORTS>>,
            tail_drop: Signal<Local, Bits<MAX_PORTS>>,
            widen: Widen<W>,
        }

        impl Default for Engine {
            fn default() -> Self {
                Self {
                    clock: Signal::default(),
                    reset: Signal::default(),
                    s_axis_rx: Default::default(),
                    m_axis_tx: Default::default(),
                    s_axil_awaddr: Signal::default(),
                    s_axil_awvalid: Signal::default(),
                    s_axil_awready: Signal::default(),
                    s_axil_wdata: Signal::default(),
                    s_axil_wstrb: Signal::default(),
                    s_axil_wvalid: Signal::default(),
                    s_axil_wready: Signal::default(),
                    s_axil_bresp: Signal::default(),
                    s_axil_bvalid: Signal::default(),
                    s_axil_bready: Signal::default(),
                    s_axil_araddr: Signal::default(),
                    s_axil_arvalid: Signal::default(),
                    s_axil_arready: Signal::default(),
                    s_axil_rdata: Signal::default(),
                    s_axil_rresp: Signal::default(),
                    s_axil_rvalid: Signal::default(),
                    s_axil_rready: Signal::default(),
                    m_axi_awid: Signal::default(),
                    m_axi_awaddr: Signal::default(),
                    m_axi_awlen: Signal::default(),
                    m_axi_awsize: Signal::default(),
                    m_axi_awburst: Signal::default(),
                    m_axi_awvalid: Signal::default(),
                    m_axi_awready: Signal::default(),
                    m_axi_wdata: Signal::default(),
                    m_axi_wstrb: Signal::default(),
                    m_axi_wlast: Signal::default(),
                    m_axi_wvalid: Signal::default(),
                    m_axi_wready: Signal::default(),
                    m_axi_bresp: Signal::default(),
                    m_axi_bvalid: Signal::default(),
                    m_axi_bready: Signal::default(),
                    m_axi_arid: Signal::default(),
                    m_axi_araddr: Signal::default(),
                    m_axi_arlen: Signal::default(),
                    m_axi_arsize: Signal::default(),
                    m_axi_arburst: Signal::default(),
                    m_axi_arvalid: Signal::default(),
                    m_axi_arready: Signal::default(),
                    m_axi_rdata: Signal::default(),
                    m_axi_rresp: Signal::default(),
                    m_axi_rlast: Signal::default(),
                    m_axi_rvalid: Signal::default(),
                    m_axi_rready: Signal::default(),
                    irq_valid: Signal::default(),
                    irq_vector: Signal::default(),
                    irq_ready: Signal::default(),
                    clear: Clear::default(),
                    hold: DFF::default(),
                    widen: Widen::default(),
                    rx_enable: Signal::default(),
                    promiscuous: Signal::default(),
                    tail_drop: Signal::default(),
                    datapath: Datapath::new(),
                    host: HostSide::new(&GEOMETRY, (BARRIER_CLOCKS + WRITE_CLOCKS) as u64),
                }
            }
        }

        impl Logic for Engine {
            #[hdl_gen]
            fn update(&mut self) {
                dff_setup!(self, clock, hold);
                clock!(self, clock, clear, datapath, host, widen);
                self.widen.reset.next = self.hold.q.val();
                self.clear.reset.next = self.reset.val();
                self.hold.d.next = self.reset.val() | !self.clear.done.val();
                self.datapath.reset.next = self.hold.q.val();
                self.host.reset.next = self.hold.q.val();

                // A bit of a signal of one bit is no Verilog: wider than any number of ports.
                self.rx_enable.next = bit_cast::<MAX_PORTS, PORTS>(self.host.rx_enable.val());
                self.promiscuous.next = bit_cast::<MAX_PORTS, PORTS>(self.host.promiscuous.val());
                self.tail_drop.next = bit_cast::<MAX_PORTS, PORTS>(self.host.tail_drop.val());
                for i in 0..PORTS {
                    self.datapath.rx_enable[i].next = self.rx_enable.val().get_bit(i);
                    self.datapath.promiscuous[i].next = self.promiscuous.val().get_bit(i);
                    self.datapath.tail_drop[i].next = self.tail_drop.val().get_bit(i);
                    WireSink::<W, B>::link(&mut self.s_axis_rx[i], &mut self.datapath.s_axis_rx[i]);
                    WireSource::<W, B>::link(&mut self.m_axis_tx[i], &mut self.datapath.m_axis_tx[i]);
                    self.datapath.port_mac[i].next = self.host.port_mac[i].val();
                    self.host.received_valid[i].next = self.datapath.received_valid[i].val();
                    self.host.received_length[i].next = self.datapath.received_length[i].val();
                    self.host.sent_valid[i].next = self.datapath.sent_valid[i].val();
                    self.host.sent_length[i].next = self.datapath.sent_length[i].val();
                    self.host.drop_valid[i].next = self.datapath.drop_valid[i].val();
                    self.host.drop_reason[i].next = self.datapath.drop_reason[i].val();
                    self.host.tx_full_valid[i].next = self.datapath.tx_full_valid[i].val();
                }
                self.host.verdict_valid.next = self.datapath.verdict_valid.val();
                self.host.verdict_reason.next = self.datapath.verdict_reason.val();
                self.host.host_full_valid.next = self.datapath.host_full_valid.val();
                self.host.bad_row_valid.next = self.datapath.bad_row_valid.val();
                self.host.bad_row.next = self.datapath.bad_row.val();

                self.datapath.lookup_enable.next = self.host.lookup_enable.val();
                self.datapath.hold.next = self.host.hold.val();
                self.datapath.fragments.next = self.host.fragments.val();
                self.datapath.fragment_lifetime.next = self.host.fragment_lifetime.val();
                self.datapath.secret.next = self.host.hash_secret.val().get_bits::<SECRET_BITS>(0);
                self.datapath.now.next = self.host.clock_count.val();

                self.clear.s_write_valid.next = self.host.write_valid.val();
                self.clear.s_write.next = self.host.write.val();
                self.datapath.write_valid.next = self.clear.m_write_valid.val();
                self.datapath.write.next = self.clear.m_write.val();
                StreamSource::<CounterRequest>::join(&mut self.host.m_axis_request, &mut self.datapath.s_axis_request);
                self.host.reply_valid.next = self.datapath.reply_valid.val();
                self.host.reply.next = self.datapath.reply.val();

                StreamSource::<PuntInfo>::join(&mut self.datapath.m_axis_punt, &mut self.host.s_axis_punt);
                BeatSource::<64>::join(&mut self.datapath.m_axis_punt_beats, &mut self.host.s_axis_punt_beats);
                BeatSource::<64>::join(&mut self.host.m_axis_host_beats, &mut self.widen.s_axis);
                self.widen.frame.next = self.host.host_frame.val();
                BeatSource::<W>::join(&mut self.widen.m_axis, &mut self.datapath.s_axis_host);
                self.datapath.host_frame.next = self.widen.frame_out.val();

                self.host.s_axil_awaddr.next = self.s_axil_awaddr.val();
                self.host.s_axil_awvalid.next = self.s_axil_awvalid.val();
                self.s_axil_awready.next = self.host.s_axil_awready.val();
                self.host.s_axil_wdata.next = self.s_axil_wdata.val();
                self.host.s_axil_wstrb.next = self.s_axil_wstrb.val();
                self.host.s_axil_wvalid.next = self.s_axil_wvalid.val();
                self.s_axil_wready.next = self.host.s_axil_wready.val();
                self.s_axil_bresp.next = self.host.s_axil_bresp.val();
                self.s_axil_bvalid.next = self.host.s_axil_bvalid.val();
                self.host.s_axil_bready.next = self.s_axil_bready.val();
                self.host.s_axil_araddr.next = self.s_axil_araddr.val();
                self.host.s_axil_arvalid.next = self.s_axil_arvalid.val();
                self.s_axil_arready.next = self.host.s_axil_arready.val();
                self.s_axil_rdata.next = self.host.s_axil_rdata.val();
                self.s_axil_rresp.next = self.host.s_axil_rresp.val();
                self.s_axil_rvalid.next = self.host.s_axil_rvalid.val();
                self.host.s_axil_rready.next = self.s_axil_rready.val();

                self.m_axi_awid.next = self.host.m_axi_awid.val();
                self.m_axi_awaddr.next = self.host.m_axi_awaddr.val();
                self.m_axi_awlen.next = self.host.m_axi_awlen.val();
                self.m_axi_awsize.next = self.host.m_axi_awsize.val();
                self.m_axi_awburst.next = self.host.m_axi_awburst.val();
                self.m_axi_awvalid.next = self.host.m_axi_awvalid.val();
                self.host.m_axi_awready.next = self.m_axi_awready.val();
                self.m_axi_wdata.next = self.host.m_axi_wdata.val();
                self.m_axi_wstrb.next = self.host.m_axi_wstrb.val();
                self.m_axi_wlast.next = self.host.m_axi_wlast.val();
                self.m_axi_wvalid.next = self.host.m_axi_wvalid.val();
                self.host.m_axi_wready.next = self.m_axi_wready.val();
                self.host.m_axi_bresp.next = self.m_axi_bresp.val();
                self.host.m_axi_bvalid.next = self.m_axi_bvalid.val();
                self.m_axi_bready.next = self.host.m_axi_bready.val();
                self.m_axi_arid.next = self.host.m_axi_arid.val();
                self.m_axi_araddr.next = self.host.m_axi_araddr.val();
                self.m_axi_arlen.next = self.host.m_axi_arlen.val();
                self.m_axi_arsize.next = self.host.m_axi_arsize.val();
                self.m_axi_arburst.next = self.host.m_axi_arburst.val();
                self.m_axi_arvalid.next = self.host.m_axi_arvalid.val();
                self.host.m_axi_arready.next = self.m_axi_arready.val();
                self.host.m_axi_rdata.next = self.m_axi_rdata.val();
                self.host.m_axi_rresp.next = self.m_axi_rresp.val();
                self.host.m_axi_rlast.next = self.m_axi_rlast.val();
                self.host.m_axi_rvalid.next = self.m_axi_rvalid.val();
                self.m_axi_rready.next = self.host.m_axi_rready.val();

                self.irq_valid.next = self.host.irq_valid.val();
                self.irq_vector.next = self.host.irq_vector.val();
                self.host.irq_ready.next = self.irq_ready.val();
            }
        }
    };
}
