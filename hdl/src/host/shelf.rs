//! A short FIFO in LUT RAM: for what waits on the bus, where a block RAM would be mostly empty.
//!
//! ```text
//!            +-------+
//!  s_axis -->| Shelf |--> m_axis
//!            +-------+
//! ```
//! Latency 1 clock, one word a clock in and out at once. Holds `2^AW` words; `CW` must be `AW + 1`. `m_axis_data` is the
//! asynchronous read of the LUT RAM, everything else comes from flip-flops.

use std::collections::HashMap;

use crate::prelude::*;

/// `2^AW` words of `T` with an asynchronous read: LUT RAM on every target family.
#[derive(LogicBlock, Default)]
pub struct LutMemory<T: Synth, const AW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Write `wdata` at `waddr` in this clock.
    pub wen: Signal<In, Bit>,
    /// Where to write.
    pub waddr: Signal<In, Bits<AW>>,
    /// What to write.
    pub wdata: Signal<In, T>,
    /// Where to read.
    pub raddr: Signal<In, Bits<AW>>,
    /// The word there, in the same clock.
    pub rdata: Signal<Out, T>,
    /// Simulation only: words that were ever written.
    _words: HashMap<usize, T>,
}

impl<T: Synth, const AW: usize> Logic for LutMemory<T, AW> {
    fn update(&mut self) {
        if self.clock.pos_edge() && self.wen.val() {
            self._words.insert(self.waddr.val().index(), self.wdata.val());
        }
        self.rdata.next = self._words.get(&self.raddr.val().index()).copied().unwrap_or_default();
    }

    fn connect(&mut self) {
        self.rdata.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "\
(* ram_style = \"distributed\" *)
reg [{msb}:0] mem [0:{last}];

always @(posedge clock) begin
    if (wen) mem[waddr] <= wdata;
end

always @(*) rdata = mem[raddr];
",
            msb = T::BITS - 1,
            last = (1_usize << AW) - 1,
        ))
    }
}

/// The FIFO.
#[derive(LogicBlock)]
pub struct Shelf<T: Synth, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all words.
    pub reset: Signal<In, Bit>,
    /// Words in.
    pub s_axis: StreamSink<T>,
    /// The same words out, in order.
    pub m_axis: StreamSource<T>,
    /// Words that wait.
    pub fill: Signal<Out, Bits<CW>>,
    memory: LutMemory<T, AW>,
    pushed: DFF<Bits<CW>>,
    taken: DFF<Bits<CW>>,
    used: Signal<Local, Bits<CW>>,
    apart: Signal<Local, Bits<CW>>,
    has_room: Signal<Local, Bit>,
    push: Signal<Local, Bit>,
    one: Constant<Bits<CW>>,
    depth: Constant<Bits<CW>>,
}

impl<T: Synth, const AW: usize, const CW: usize> Default for Shelf<T, AW, CW> {
    fn default() -> Self {
        assert!(CW == AW + 1, "Shelf: count width {CW} is not address width {AW} + 1");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: StreamSink::default(),
            m_axis: StreamSource::default(),
            fill: Signal::default(),
            memory: LutMemory::default(),
            pushed: DFF::default(),
            taken: DFF::default(),
            used: Signal::default(),
            apart: Signal::default(),
            has_room: Signal::default(),
            push: Signal::default(),
            one: Constant::new(1_u64.into()),
            depth: Constant::new((1_u64 << AW).into()),
        }
    }
}

impl<T: Synth, const AW: usize, const CW: usize> Logic for Shelf<T, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, taken);
        self.used.next = self.pushed.q.val() - self.taken.q.val();
        self.fill.next = self.used.val();
        // Full: the counts differ in the top bit alone.
        self.apart.next = self.pushed.q.val() ^ self.taken.q.val();
        self.has_room.next = self.apart.val() != self.depth.val();
        self.s_axis.ready.next = self.has_room.val();
        self.push.next = self.s_axis.valid.val() & self.has_room.val();
        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.push.val();
        self.memory.waddr.next = bit_cast::<AW, CW>(self.pushed.q.val());
        self.memory.wdata.next = self.s_axis.data.val();
        self.memory.raddr.next = bit_cast::<AW, CW>(self.taken.q.val());
        self.m_axis.data.next = self.memory.rdata.val();
        self.m_axis.valid.next = self.pushed.q.val() != self.taken.q.val();
        if self.push.val() {
            self.pushed.d.next = self.pushed.q.val() + self.one.val();
        }
        if self.m_axis.ready.val() & (self.pushed.q.val() != self.taken.q.val()) {
            self.taken.d.next = self.taken.q.val() + self.one.val();
        }
        if self.reset.val() {
            self.pushed.d.next = 0.into();
            self.taken.d.next = 0.into();
        }
    }
}
