//! The benchmark of a card and the way to it, on the model card.

mod support;

use std::sync::Arc;
use std::time::Duration;

use fpgaflow_abi::regs;
use fpgaflow_driver::bench::transport::{Workload, run};
use fpgaflow_driver::card::CardError;
use fpgaflow_driver::transport::{Transport, TransportError};
use support::{GEOMETRY, ModelCard};

#[test]
fn what_is_counted_happened() {
    let model = ModelCard::new(GEOMETRY);
    let workload = Workload { duration: Duration::from_millis(20), frame_bytes: 100 };
    let report = run(Arc::clone(&model) as Arc<dyn Transport>, &workload).unwrap();
    let state = model.state();
    assert!(report.register_reads.count > 0 && report.register_reads.elapsed >= workload.duration);
    // The model executes a command the moment its doorbell rings.
    assert!(report.commands.count > 0 && report.commands.count <= state.executed.len() as u64, "{report:?}");
    assert!(state.sent.iter().all(|(port, frame)| *port == 0 && frame.len() == 100) && !state.sent.is_empty());
    // It has no cable, and counts nothing at its ports.
    assert_eq!((report.frames_to_card.count, report.frames_to_host.count), (0, 0));
    assert_eq!(state.registers[&regs::PORT_CTRL], 0, "the card is shut down");
}

#[test]
fn a_card_that_is_gone_is_an_error() {
    let model = ModelCard::new(GEOMETRY);
    model.state().gone = true;
    let error = run(model as Arc<dyn Transport>, &Workload::default()).unwrap_err();
    assert!(matches!(error, CardError::Transport(TransportError::Gone { .. })), "{error}");
}
