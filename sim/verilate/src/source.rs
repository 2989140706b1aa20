//! What a model is made from.

/// The format of a model's waveforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Value change dump: text, large, read by everything.
    Vcd,
    /// GTKWave's compressed format.
    Fst,
}

/// How much the C++ compiler is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Builds in a few seconds: for models a test runs for a moment.
    Quick,
    /// Runs as fast as it can: for models that are built once and run for long.
    Full,
}

/// One model: Verilog and what is to be made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Name of the model: letters, digits and `_`. Two models in one program need two names.
    pub name: String,
    /// The top module.
    pub top: String,
    /// All of the Verilog.
    pub verilog: String,
    /// Waveforms the model can write; `None` runs fastest.
    pub trace: Option<Trace>,
    /// How much to optimise.
    pub effort: Effort,
}

impl Source {
    /// A model without waveforms, quick to build, called like its top module.
    pub fn new(verilog: impl Into<String>, top: impl Into<String>) -> Self {
        let top = top.into();
        Self { name: top.clone(), top, verilog: verilog.into(), trace: None, effort: Effort::Quick }
    }

    /// The same model with waveforms.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The same model, optimised fully.
    #[must_use]
    pub fn with_full_effort(mut self) -> Self {
        self.effort = Effort::Full;
        self
    }
}
