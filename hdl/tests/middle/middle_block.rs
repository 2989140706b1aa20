//! Flow table, verdict and counters, wired as the engine wires them.

use fpgaflow_abi::hash::SECRET_BITS;
use fpgaflow_abi::key::KEY_BITS_V6;
use fpgaflow_abi::regs::FRAGMENT_LIFETIME_BITS;
use fpgaflow_hdl::counters::Counters;
use fpgaflow_hdl::parse;
use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{
    CounterReply, CounterRequest, FlowAction, Fragment, MARK_BITS, Parsed, SEEN_BITS, TableWrite, Verdict,
};
use fpgaflow_hdl::table::{FlowTable, LATENCY, RingDelay};
use fpgaflow_hdl::verdict::VerdictStage;

/// Key and headers in; verdict and counters out.
#[derive(LogicBlock, Default)]
pub struct Middle<const BB: usize, const EW4: usize, const EW6: usize, const REF: usize, const SLOT: usize, const NW: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub lookup_valid: Signal<In, Bit>,
    pub key: Signal<In, Bits<KEY_BITS_V6>>,
    pub parsed: Signal<In, Parsed>,
    pub mark: Signal<In, Bits<MARK_BITS>>,
    pub fragment: Signal<In, Fragment>,
    pub fragment_lifetime: Signal<In, Bits<FRAGMENT_LIFETIME_BITS>>,
    pub forget: Signal<In, Bit>,
    pub secret: Signal<In, Bits<SECRET_BITS>>,
    pub write_valid: Signal<In, Bit>,
    pub write: Signal<In, TableWrite>,
    pub tick: Signal<In, Bits<SEEN_BITS>>,
    pub answer_valid: Signal<Out, Bit>,
    pub answer: Signal<Out, FlowAction>,
    pub verdict_valid: Signal<Out, Bit>,
    pub verdict: Signal<Out, Verdict>,
    pub s_axis_request: StreamSink<CounterRequest>,
    pub reply_valid: Signal<Out, Bit>,
    pub reply: Signal<Out, CounterReply>,
    pub gap_wanted: Signal<Out, Bit>,
    flow_table: FlowTable<BB, EW4, EW6, REF, SLOT, 8>,
    fragment_s3: Delay<Fragment, { parse::LATENCY }>,
    waiting: RingDelay<Parsed, LATENCY>,
    verdict_stage: VerdictStage<NW>,
    counters: Counters<EW4, EW6, REF>,
}

impl<const BB: usize, const EW4: usize, const EW6: usize, const REF: usize, const SLOT: usize, const NW: usize> Logic
    for Middle<BB, EW4, EW6, REF, SLOT, NW>
{
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, flow_table, fragment_s3, waiting, verdict_stage, counters);
        self.flow_table.reset.next = self.reset.val();
        self.verdict_stage.reset.next = self.reset.val();
        self.counters.reset.next = self.reset.val();
        self.flow_table.lookup_valid.next = self.lookup_valid.val();
        self.flow_table.can_hit.next = true;
        self.flow_table.key.next = self.key.val();
        self.flow_table.mark.next = self.mark.val();
        self.fragment_s3.din.next = self.fragment.val();
        self.flow_table.fragment_s3.next = self.fragment_s3.dout.val();
        self.flow_table.fragment_lifetime.next = self.fragment_lifetime.val();
        self.flow_table.forget.next = self.forget.val();
        self.flow_table.tick.next = self.tick.val();
        self.waiting.din_valid.next = self.lookup_valid.val();
        self.waiting.din.next = self.parsed.val();
        self.flow_table.secret.next = self.secret.val();
        self.flow_table.write_valid.next = self.write_valid.val();
        self.flow_table.write.next = self.write.val();
        self.verdict_stage.action_valid.next = self.flow_table.answer_valid.val();
        self.verdict_stage.action.next = self.flow_table.answer.val();
        self.verdict_stage.parsed.next = self.waiting.dout.val();
        self.verdict_stage.write_valid.next = self.write_valid.val();
        self.verdict_stage.write.next = self.write.val();
        self.counters.count_valid.next = self.verdict_stage.count_valid.val();
        self.counters.count_entry.next = self.verdict_stage.count_entry.val();
        self.counters.count_bytes.next = self.verdict_stage.count_bytes.val();
        self.counters.tick.next = self.tick.val();
        StreamSink::<CounterRequest>::link(&mut self.s_axis_request, &mut self.counters.s_axis_request);
        self.answer_valid.next = self.flow_table.answer_valid.val();
        self.answer.next = self.flow_table.answer.val();
        self.verdict_valid.next = self.verdict_stage.verdict_valid.val();
        self.verdict.next = self.verdict_stage.verdict.val();
        self.reply_valid.next = self.counters.reply_valid.val();
        self.reply.next = self.counters.reply.val();
        self.gap_wanted.next = self.counters.gap_wanted.val();
    }
}
