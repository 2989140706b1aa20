//! AXI4-Lite master: the host's register accesses, one at a time.

use fpgaflow_verilate::{Error, Model, Port};

/// One register access.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    Read { offset: u32 },
    Write { offset: u32, value: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// Address (and data) offered; the flags say what has been taken.
    Writing {
        address_taken: bool,
        data_taken: bool,
    },
    WaitingForWrite,
    Reading,
    WaitingForRead,
}

/// The pins of the register port and the access in progress.
#[derive(Debug)]
pub(crate) struct AxiLite {
    awaddr: Port,
    awvalid: Port,
    awready: Port,
    wdata: Port,
    wstrb: Port,
    wvalid: Port,
    wready: Port,
    bvalid: Port,
    bready: Port,
    araddr: Port,
    arvalid: Port,
    arready: Port,
    rdata: Port,
    rvalid: Port,
    rready: Port,
    state: State,
    answer: Option<u32>,
}

impl AxiLite {
    pub(crate) fn new(model: &Model) -> Result<Self, Error> {
        let pin = |name: &str| model.find_port(&format!("s_axil_{name}"));
        Ok(Self {
            awaddr: pin("awaddr")?,
            awvalid: pin("awvalid")?,
            awready: pin("awready")?,
            wdata: pin("wdata")?,
            wstrb: pin("wstrb")?,
            wvalid: pin("wvalid")?,
            wready: pin("wready")?,
            bvalid: pin("bvalid")?,
            bready: pin("bready")?,
            araddr: pin("araddr")?,
            arvalid: pin("arvalid")?,
            arready: pin("arready")?,
            rdata: pin("rdata")?,
            rvalid: pin("rvalid")?,
            rready: pin("rready")?,
            state: State::Idle,
            answer: None,
        })
    }

    /// Offers an access. The one before must have been answered.
    pub(crate) fn start(&mut self, model: &mut Model, access: Access) {
        debug_assert_eq!(self.state, State::Idle);
        self.answer = None;
        match access {
            Access::Read { offset } => {
                model.set(self.araddr, offset.into());
                model.set(self.arvalid, 1);
                self.state = State::Reading;
            }
            Access::Write { offset, value } => {
                model.set(self.awaddr, offset.into());
                model.set(self.awvalid, 1);
                model.set(self.wdata, value.into());
                model.set(self.wstrb, 0xf);
                model.set(self.wvalid, 1);
                self.state = State::Writing { address_taken: false, data_taken: false };
            }
        }
    }

    /// The answer, once: the value read, or 0 for a write.
    pub(crate) fn take_answer(&mut self) -> Option<u32> {
        self.answer.take()
    }

    /// Gives up an access: the card was reset, or did not answer.
    pub(crate) fn abandon(&mut self, model: &mut Model) {
        for pin in [self.awvalid, self.wvalid, self.bready, self.arvalid, self.rready] {
            model.set(pin, 0);
        }
        self.state = State::Idle;
        self.answer = None;
    }

    #[inline]
    pub(crate) fn idle(&self) -> bool {
        self.state == State::Idle
    }

    /// One clock: `tick` is called between looking at the handshakes and acting on them.
    #[inline]
    pub(crate) fn before_edge(&mut self, model: &mut Model) -> Moves {
        let mut moves = Moves::default();
        match self.state {
            State::Idle => {}
            State::Writing { address_taken, data_taken } => {
                moves.address = !address_taken && model.get(self.awready) == 1;
                moves.data = !data_taken && model.get(self.wready) == 1;
            }
            State::WaitingForWrite => {
                model.set(self.bready, 1);
                moves.answer = model.get(self.bvalid) == 1;
            }
            State::Reading => moves.address = model.get(self.arready) == 1,
            State::WaitingForRead => {
                model.set(self.rready, 1);
                if model.get(self.rvalid) == 1 {
                    moves.answer = true;
                    moves.value = model.get(self.rdata) as u32;
                }
            }
        }
        moves
    }

    /// What the edge did.
    #[inline]
    pub(crate) fn after_edge(&mut self, model: &mut Model, moves: Moves) {
        match self.state {
            State::Idle => {}
            State::Writing { mut address_taken, mut data_taken } => {
                if moves.address {
                    model.set(self.awvalid, 0);
                    address_taken = true;
                }
                if moves.data {
                    model.set(self.wvalid, 0);
                    data_taken = true;
                }
                self.state = if address_taken && data_taken {
                    State::WaitingForWrite
                } else {
                    State::Writing { address_taken, data_taken }
                };
            }
            State::Reading => {
                if moves.address {
                    model.set(self.arvalid, 0);
                    self.state = State::WaitingForRead;
                }
            }
            State::WaitingForWrite | State::WaitingForRead => {
                if moves.answer {
                    model.set(self.bready, 0);
                    model.set(self.rready, 0);
                    self.answer = Some(moves.value);
                    self.state = State::Idle;
                }
            }
        }
    }
}

/// What moves at the coming edge.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moves {
    address: bool,
    data: bool,
    answer: bool,
    value: u32,
}
