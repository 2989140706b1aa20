//! From a board to its Verilog, ports and memories.

use std::thread;

use crate::boards::Board;
use crate::memory::{self, Memory, Used};
use crate::port::{self, Interface, Port};
use crate::{page, text, variants, wrapper};

/// Name of the exported top module.
pub const TOP: &str = "fpgaflow_engine";
/// Name of the engine in it.
pub(crate) const CORE: &str = "fpgaflow_core";
/// Stack on which an engine is made: it is made there, every bit of it a byte.
const STACK_BYTES: usize = 64 << 20;

/// Why a board was not exported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine did not pass a check of the emitter.
    #[error("export {board}")]
    Emit {
        /// The board.
        board: &'static str,
        /// What was found.
        source: fpgaflow_hdl::emit::Error,
    },
    /// The engine could not be made.
    #[error("export {board}: make the engine: {reason}")]
    Engine {
        /// The board.
        board: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// The engine has a port of which nobody has said what it is.
    #[error("export {board}: port {port} belongs to no interface")]
    Port {
        /// The board.
        board: &'static str,
        /// The port.
        port: String,
    },
    /// The engine's text has something that is not known to be there.
    #[error("export {board}: {found}")]
    Text {
        /// The board.
        board: &'static str,
        /// What was found.
        found: String,
    },
    /// There is no such block.
    #[error("block {path:?}: there is no {name:?}; there are {there}")]
    Block {
        /// Which was wanted.
        path: String,
        /// The name in it that is not there.
        name: String,
        /// Those that are.
        there: String,
    },
}

/// A block of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its module.
    pub module: String,
    /// Ports of that, in their order.
    pub ports: Vec<Port>,
}

/// All that is made of a board.
#[derive(Debug, Clone)]
pub struct Export {
    /// The board.
    pub board: Board,
    /// The Verilog, its top [`TOP`].
    pub verilog: String,
    /// Ports of the top, in their order, and what they belong to.
    pub ports: Vec<(Port, Interface)>,
    /// Memories of the engine.
    pub memories: Vec<Memory>,
}

impl Board {
    /// Makes the board's engine and all that follows from it; takes seconds.
    ///
    /// # Errors
    /// One [`Error`] variant for each way to fail.
    pub fn export(&self) -> Result<Export, Error> {
        let board = self.name;
        let failed = |reason: String| Error::Engine { board, reason };
        let emitted =
            thread::Builder::new().stack_size(STACK_BYTES).spawn(self.emit).map_err(|error| failed(error.to_string()))?;
        let core = emitted
            .join()
            .map_err(|_| failed("the geometry cannot be built".to_owned()))?
            .map_err(|source| Error::Emit { board, source })?;
        let mut modules = text::modules(&core);
        let top = modules.remove(CORE).ok_or_else(|| failed(format!("there is no module {CORE}")))?;
        let mut ports = Vec::new();
        for port in top.ports {
            let interface = port::interface(&port.name).ok_or_else(|| Error::Port { board, port: port.name.clone() })?;
            ports.push((port, interface));
        }
        let memories = memory::memories(&core, CORE);
        let placed = variants::for_board(&core, self).map_err(|found| Error::Text { board, found })?;
        let verilog = wrapper::wrapper(self, &ports) + &placed;
        Ok(Export { board: *self, verilog, ports, memories })
    }
}

impl Export {
    /// What the memories take of the board's device.
    pub fn used(&self) -> Used {
        Used::by(&self.board, &self.memories)
    }

    /// The block at `path`: names of instances from the engine down, as in `datapath.flows.hash`.
    ///
    /// # Errors
    /// The name that is not there, and those that are.
    pub fn block(&self, path: &str) -> Result<Block, Error> {
        let modules = text::modules(&self.verilog);
        let mut module = CORE;
        for name in path.split('.') {
            let inside = modules[module].instances.iter().filter(|(of, _)| modules.contains_key(of));
            let Some((of, _)) = inside.clone().find(|(_, instance)| *instance == name) else {
                let there = inside.map(|(_, instance)| *instance).collect::<Vec<_>>().join(", ");
                return Err(Error::Block { path: path.to_owned(), name: name.to_owned(), there });
            };
            module = of;
        }
        Ok(Block { module: module.to_owned(), ports: modules[module].ports.clone() })
    }

    /// The integration page, as Markdown.
    pub fn page(&self) -> String {
        page::page(self)
    }
}
