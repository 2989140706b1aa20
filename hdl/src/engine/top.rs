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

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::SECRET_BITS;

use super::clear::{self, Clear};
use super::datapath::{Datapath64x2, Datapath512x2};
use crate::counters::BARRIER_CLOCKS;
use crate::host::HostSide;
use crate::host::regs::axi_lite::ADDRESS_BITS;
use crate::prelude::*;
use crate::records::{BeatSource, CounterRequest, PuntInfo};
use crate::rx::WireSink;
use crate::tx::{Widen, WireSource};

/// What an engine with a data path of `width_bits` is. A board's build sets clock and build number.
const fn geometry(width_bits: u16) -> Geometry {
    Geometry {
        width_bits,
        ports: 2,
        bucket_bits: 10,
        stash: 8,
        entries_v4: 1 << 13,
        entries_v6: 1 << 11,
        next_hops: 1 << 8,
        max_frame_bytes: 9018,
        clock_hz: 0,
        build_id: 0,
    }
}

/// What [`Engine64`] is.
pub const GEOMETRY_64: Geometry = geometry(64);
/// What [`Engine512`] is.
pub const GEOMETRY_512: Geometry = geometry(512);

macro_rules! engine {
    (
        $(#[$doc:meta])* $name:ident: width $w:tt, lanes $b:tt, ports $ports:tt, slots $slots:tt, geometry $geometry:path,
        data path $datapath:ident
    ) => {
        $(#[$doc])*
        #[derive(LogicBlock)]
        pub struct $name {
            /// The one clock.
            pub clock: Signal<In, Clock>,
            /// Synchronous, active high.
            pub reset: Signal<In, Bit>,
            /// From the MACs.
            pub s_axis_rx: [WireSink<$w, $b>; $ports],
            /// To the MACs.
            pub m_axis_tx: [WireSource<$w, $b>; $ports],

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

            clear: Clear<$slots>,
            // Everything else starts when the slots are empty.
            hold: DFF<Bit>,
            datapath: $datapath,
            host: HostSide<$ports, 11, 12>,
            widen: Widen<$w>,
        }

        impl Default for $name {
            fn default() -> Self {
                assert!($geometry.slots() == 1 << $slots && $geometry.ports == $ports && $geometry.width_bits == $w, "{}", stringify!($name));
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
                    datapath: $datapath::new($geometry.max_frame_bytes as usize),
                    host: HostSide::new(&$geometry, (BARRIER_CLOCKS + clear::LATENCY) as u64),
                }
            }
        }

        impl Logic for $name {
            #[hdl_gen]
            fn update(&mut self) {
                dff_setup!(self, clock, hold);
                clock!(self, clock, clear, datapath, host, widen);
                self.widen.reset.next = self.hold.q.val();
                self.clear.reset.next = self.reset.val();
                self.hold.d.next = self.reset.val() | !self.clear.done.val();
                self.datapath.reset.next = self.hold.q.val();
                self.host.reset.next = self.hold.q.val();

                for i in 0..$ports {
                    WireSink::<$w, $b>::link(&mut self.s_axis_rx[i], &mut self.datapath.s_axis_rx[i]);
                    WireSource::<$w, $b>::link(&mut self.m_axis_tx[i], &mut self.datapath.m_axis_tx[i]);
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

                self.datapath.lookup_enable.next = self.host.lookup_enable.val();
                self.datapath.secret.next = self.host.hash_secret.val().get_bits::<SECRET_BITS>(0);
                self.datapath.rx_enable.next = self.host.rx_enable.val();
                self.datapath.promiscuous.next = self.host.promiscuous.val();
                self.datapath.tail_drop.next = self.host.tail_drop.val();
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
                BeatSource::<$w>::join(&mut self.widen.m_axis, &mut self.datapath.s_axis_host);
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

engine! {
    /// Two ports, 64 bits.
    Engine64: width 64, lanes 8, ports 2, slots 13, geometry GEOMETRY_64,
    data path Datapath64x2
}

engine! {
    /// Two ports, 512 bits.
    Engine512: width 512, lanes 64, ports 2, slots 13, geometry GEOMETRY_512,
    data path Datapath512x2
}
