//! A running model. All `unsafe` of this crate is here and in [`memory`].
//!
//! The shim (`shim.rs`) hands over a table of ports and, for each, the address of the C++ member that stores its value. Verilator
//! stores a port in the smallest of `uint8_t`, `uint16_t`, `uint32_t`, `uint64_t` that holds it, and wider ones as an array of
//! `uint32_t`, least significant word first; a value must not have bits above its width. Reading and writing a port is one
//! memory access, no call into C++.

mod memory;

use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::NonNull;

use crate::cache;
use crate::compile::{Verilator, system_libraries};
use crate::error::Error;
use crate::ports::Direction;
use crate::shim::{INTERFACE_VERSION, entry_symbol};
use crate::source::Source;
use crate::tool::COMPILER;
pub use memory::Memory;
use memory::{Cells, RawMemory};

/// The port that [`Model::tick`] drives.
const CLOCK: &str = "clock";

/// `struct Port` of the shim.
#[repr(C)]
struct RawPort {
    name: *const c_char,
    width: u32,
    is_input: u32,
}

/// `struct Interface` of the shim. Opaque outside this file.
#[repr(C)]
#[doc(hidden)]
pub struct Interface {
    version: u32,
    port_count: u32,
    memory_count: u32,
    top: *const c_char,
    ports: *const RawPort,
    memories: *const RawMemory,
    create: extern "C" fn() -> *mut c_void,
    destroy: extern "C" fn(*mut c_void),
    storage: extern "C" fn(*mut c_void, u32) -> *mut c_void,
    memory: extern "C" fn(*mut c_void, u32) -> *mut c_void,
    eval: extern "C" fn(*mut c_void),
    trace_open: extern "C" fn(*mut c_void, *const c_char) -> i32,
    trace_dump: extern "C" fn(*mut c_void, u64),
    trace_close: extern "C" fn(*mut c_void),
}

/// Handle of one port, resolved once by [`Model::port`]. Good for every model of the same source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port(u32);

/// Name, direction and width of a port, and where its value is.
#[derive(Debug)]
struct Slot {
    name: String,
    direction: Direction,
    width: u32,
    value: NonNull<u8>,
}

/// One instance of a Verilated design.
#[derive(Debug)]
pub struct Model {
    interface: &'static Interface,
    instance: NonNull<c_void>,
    top: String,
    slots: Vec<Slot>,
    memories: Vec<Cells>,
    clock: Option<Port>,
    clocks: u64,
    tracing: bool,
    // Not `Sync`: `eval` changes what `get` reads.
    not_sync: PhantomData<*mut c_void>,
}

impl std::fmt::Debug for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interface").field("version", &self.version).field("port_count", &self.port_count).finish()
    }
}

// SAFETY: the interface is a constant table of the model's code: never written, never freed.
unsafe impl Send for Interface {}
// SAFETY: as above.
unsafe impl Sync for Interface {}

// SAFETY: the instance is owned by this value alone and reached only through `&self`/`&mut self`. Verilator binds a model to no
// thread: its state hangs off its own context, and thread-local variables of the run-time library only live during one call.
unsafe impl Send for Model {}

impl Model {
    /// Builds `source` (or takes it from the cache under `target/verilate`), loads it and makes an instance.
    ///
    /// # Errors
    /// Those of the tools, the file system and the loader.
    pub fn build(source: &Source) -> Result<Self, Error> {
        let verilator = Verilator::installed()?;
        let cache = cache::directory();
        let runtime_name = format!("runtime-{}", cache::runtime_key(source.trace, &verilator.version));
        let runtime = cache::get_or_build(&cache, &runtime_name, |work| verilator.runtime(work, source.trace).map(drop))?;
        let name = format!("{}-{}", source.name, cache::key(source, &verilator.version));
        let directory = cache::get_or_build(&cache, &name, |work| {
            let object = verilator.model(work, source)?;
            let mut arguments = vec!["-shared".into(), "-Wl,-Bsymbolic".into(), "-o".into(), "model.so".into()];
            arguments.push(object.file_name().unwrap_or_default().to_owned());
            arguments.extend(objects_in(&runtime)?);
            arguments.extend(system_libraries(source.trace).iter().map(|name| format!("-l{name}").into()));
            COMPILER.run(work, arguments).map(drop)
        })?;
        Self::load(&directory.join("model.so"), &source.name)
    }

    /// Loads a shared object built by [`Model::build`] for the model called `name` and makes an instance.
    fn load(path: &Path, name: &str) -> Result<Self, Error> {
        let failed = |source| Error::Load { path: path.to_owned(), source };
        // SAFETY: the shared object was compiled from Verilator's output and our shim; its initialisers are those of the C++
        // run-time library and need nothing from us.
        let library = unsafe { libloading::Library::new(path) }.map_err(failed)?;
        // Never unloaded: instances, their thread-local destructors and `interface` outlive any owner we could name.
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        let symbol = entry_symbol(name);
        // SAFETY: the shim defines this symbol with exactly this signature.
        let entry = unsafe { library.get::<extern "C" fn() -> *const Interface>(symbol.as_bytes()) }.map_err(failed)?;
        let interface = entry();
        // SAFETY: the shim returns the address of a constant, in code that is never unloaded.
        unsafe { Self::from_interface(interface) }
    }

    /// An instance of the model behind `interface`.
    ///
    /// # Safety
    /// `interface` comes from a shim and stays valid for the life of the program.
    ///
    /// # Errors
    /// [`Error::InterfaceVersion`].
    #[doc(hidden)]
    pub unsafe fn from_interface(interface: *const Interface) -> Result<Self, Error> {
        // SAFETY: the caller's promise.
        let interface: &'static Interface = unsafe { &*interface };
        if interface.version != INTERFACE_VERSION {
            return Err(Error::InterfaceVersion {
                what: "a Verilated model".into(),
                found: interface.version,
                expected: INTERFACE_VERSION,
            });
        }
        let instance = NonNull::new((interface.create)()).expect("operator new does not give null");
        // SAFETY: the shim's table has `port_count` entries and is constant.
        let raw = unsafe { std::slice::from_raw_parts(interface.ports, interface.port_count as usize) };
        let mut slots = Vec::with_capacity(raw.len());
        for (index, port) in (0..).zip(raw) {
            let value = (interface.storage)(instance.as_ptr(), index);
            slots.push(Slot {
                // SAFETY: a string literal of the shim.
                name: unsafe { text(port.name) },
                direction: if port.is_input == 1 { Direction::Input } else { Direction::Output },
                width: port.width,
                value: NonNull::new(value.cast()).expect("the shim knows every port of its table"),
            });
        }
        let clock = slots.iter().position(|slot| slot.name == CLOCK).map(|index| Port(index as u32));
        let mut model = Self {
            interface,
            instance,
            // SAFETY: a string literal of the shim.
            top: unsafe { text(interface.top) },
            slots,
            // SAFETY: made by this interface above.
            memories: unsafe { Cells::all(interface, instance) },
            clock,
            clocks: 0,
            tracing: false,
            not_sync: PhantomData,
        };
        model.eval();
        Ok(model)
    }

    /// The handle of the port called `name`.
    ///
    /// # Panics
    /// If there is no such port; the message lists those there are. Use [`Model::find_port`] to ask.
    #[track_caller]
    pub fn port(&self, name: &str) -> Port {
        self.find_port(name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The handle of the port called `name`.
    ///
    /// # Errors
    /// [`Error::NoPort`].
    pub fn find_port(&self, name: &str) -> Result<Port, Error> {
        let found = self.slots.iter().position(|slot| slot.name == name);
        found.map(|index| Port(index as u32)).ok_or_else(|| Error::NoPort {
            top: self.top.clone(),
            name: name.into(),
            ports: self.slots.iter().map(|slot| slot.name.clone()).collect(),
        })
    }

    /// Name, direction and width in bits of every port, in the order of the Verilog header.
    pub fn ports(&self) -> impl Iterator<Item = (&str, Direction, u32)> {
        self.slots.iter().map(|slot| (slot.name.as_str(), slot.direction, slot.width))
    }

    /// Width of `port` in bits.
    pub fn width(&self, port: Port) -> u32 {
        self.slots[port.0 as usize].width
    }

    /// Sets `port` to `value`, cut to the port's width; a port wider than 64 bits gets zeros above.
    #[inline]
    pub fn set(&mut self, port: Port, value: u64) {
        let slot = &self.slots[port.0 as usize];
        let cut = if slot.width >= 64 { value } else { value & ((1 << slot.width) - 1) };
        let at = slot.value.as_ptr();
        // SAFETY: `value` points at the member that stores the port, of the type Verilator uses for its width (see the top of
        // the file), inside the instance this value owns; nothing else runs on the instance while we hold `&mut self`.
        unsafe {
            match slot.width {
                0..=8 => at.write(cut as u8),
                9..=16 => at.cast::<u16>().write(cut as u16),
                17..=32 => at.cast::<u32>().write(cut as u32),
                33..=64 => at.cast::<u64>().write(cut),
                _ => self.set_words(port, &[cut]),
            }
        }
    }

    /// The value of `port`; of a port wider than 64 bits the low 64.
    #[inline]
    pub fn get(&self, port: Port) -> u64 {
        let slot = &self.slots[port.0 as usize];
        let at = slot.value.as_ptr();
        // SAFETY: as in `set`; `&self` keeps `eval` from running.
        unsafe {
            match slot.width {
                0..=8 => at.read().into(),
                9..=16 => at.cast::<u16>().read().into(),
                17..=32 => at.cast::<u32>().read().into(),
                33..=64 => at.cast::<u64>().read(),
                _ => u64::from(at.cast::<u32>().read()) | u64::from(at.cast::<u32>().add(1).read()) << 32,
            }
        }
    }

    /// Sets `port` from 64-bit words, least significant first: missing words are zero, bits above the width are cut off.
    #[inline]
    pub fn set_words(&mut self, port: Port, words: &[u64]) {
        let slot = &self.slots[port.0 as usize];
        if slot.width <= 64 {
            return self.set(port, words.first().copied().unwrap_or(0));
        }
        let count = slot.width.div_ceil(32) as usize;
        // SAFETY: a port wider than 64 bits is stored as `count` words of 32 bits; as in `set` nobody else uses them.
        let stored = unsafe { std::slice::from_raw_parts_mut(slot.value.as_ptr().cast::<u32>(), count) };
        for (index, half) in stored.iter_mut().enumerate() {
            let word = words.get(index / 2).copied().unwrap_or(0);
            *half = (word >> (32 * (index % 2))) as u32;
        }
        let spare = count as u32 * 32 - slot.width;
        stored[count - 1] &= u32::MAX >> spare;
    }

    /// Sets `port` from bytes, the least significant first: missing bytes are zero, bits above the width are cut off. For ports that
    /// are wide this is one copy.
    #[inline]
    pub fn set_bytes(&mut self, port: Port, bytes: &[u8]) {
        let slot = &self.slots[port.0 as usize];
        if slot.width <= 64 {
            let mut word = [0; 8];
            let count = bytes.len().min(word.len());
            word[..count].copy_from_slice(&bytes[..count]);
            return self.set(port, u64::from_le_bytes(word));
        }
        let count = slot.width.div_ceil(32) as usize;
        // SAFETY: as in `set_words`.
        let stored = unsafe { std::slice::from_raw_parts_mut(slot.value.as_ptr().cast::<u32>(), count) };
        let (whole, rest) = bytes.as_chunks::<4>();
        for (word, bytes) in stored.iter_mut().zip(whole) {
            *word = u32::from_le_bytes(*bytes);
        }
        for (index, word) in stored.iter_mut().enumerate().skip(whole.len()) {
            let mut padded = [0; 4];
            if index == whole.len() {
                padded[..rest.len()].copy_from_slice(rest);
            }
            *word = u32::from_le_bytes(padded);
        }
        let spare = count as u32 * 32 - slot.width;
        stored[count - 1] &= u32::MAX >> spare;
    }

    /// Reads `port` into bytes, the least significant first; bytes above the port's width become zero.
    #[inline]
    pub fn get_bytes(&self, port: Port, bytes: &mut [u8]) {
        let slot = &self.slots[port.0 as usize];
        let narrow;
        let stored = if slot.width <= 64 {
            let value = self.get(port);
            narrow = [value as u32, (value >> 32) as u32];
            &narrow[..]
        } else {
            let count = slot.width.div_ceil(32) as usize;
            // SAFETY: as in `set_words`, for reading.
            unsafe { std::slice::from_raw_parts(slot.value.as_ptr().cast::<u32>(), count) }
        };
        let (whole, rest) = bytes.as_chunks_mut::<4>();
        for (place, word) in whole.iter_mut().zip(stored) {
            *place = word.to_le_bytes();
        }
        let held = whole.len().min(stored.len());
        whole[held..].fill([0; 4]);
        let last = stored.get(whole.len()).map_or([0; 4], |word| word.to_le_bytes());
        rest.copy_from_slice(&last[..rest.len()]);
    }

    /// Reads `port` into 64-bit words, least significant first; words above the port's width become zero.
    #[inline]
    pub fn get_words(&self, port: Port, words: &mut [u64]) {
        let slot = &self.slots[port.0 as usize];
        words.fill(0);
        if slot.width <= 64 {
            if let Some(first) = words.first_mut() {
                *first = self.get(port);
            }
            return;
        }
        let count = slot.width.div_ceil(32) as usize;
        // SAFETY: as in `set_words`, for reading.
        let stored = unsafe { std::slice::from_raw_parts(slot.value.as_ptr().cast::<u32>(), count) };
        for (index, half) in stored.iter().enumerate() {
            if let Some(word) = words.get_mut(index / 2) {
                *word |= u64::from(*half) << (32 * (index % 2));
            }
        }
    }

    /// Lets the inputs work: combinational outputs follow, a clock port that was changed makes its edge.
    #[inline]
    pub fn eval(&mut self) {
        (self.interface.eval)(self.instance.as_ptr());
    }

    /// One clock: the inputs as set, a rising edge of `clock`, then a falling one. Outputs are settled afterwards, for the same
    /// inputs.
    ///
    /// # Panics
    /// If the top module has no input `clock`.
    #[inline]
    pub fn tick(&mut self) {
        let Some(clock) = self.clock else { panic!("tick {}: it has no port {CLOCK}", self.top) };
        self.set(clock, 1);
        self.eval();
        self.dump(0);
        self.set(clock, 0);
        self.eval();
        self.dump(1);
        self.clocks += 1;
    }

    /// Clocks since the instance was made.
    pub fn clocks(&self) -> u64 {
        self.clocks
    }

    /// Writes waveforms of everything from now on to `path`; one clock is two units of time.
    ///
    /// # Errors
    /// [`Error::Trace`] if the model was built without waveforms, one is being written, or `path` cannot be written.
    pub fn trace(&mut self, path: &Path) -> Result<(), Error> {
        let failed = |reason| Error::Trace { top: self.top.clone(), path: path.to_owned(), reason };
        if self.tracing {
            return Err(failed("a waveform is being written already"));
        }
        let name = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| failed("its name holds a zero byte"))?;
        match (self.interface.trace_open)(self.instance.as_ptr(), name.as_ptr()) {
            0 => {
                self.tracing = true;
                Ok(())
            }
            -1 => Err(failed("the model was built without waveforms")),
            _ => Err(failed("the file cannot be written")),
        }
    }

    /// Ends the waveform that [`Model::trace`] began; its file is complete afterwards.
    pub fn end_trace(&mut self) {
        if std::mem::take(&mut self.tracing) {
            (self.interface.trace_close)(self.instance.as_ptr());
        }
    }

    #[inline]
    fn dump(&mut self, half: u64) {
        if self.tracing {
            (self.interface.trace_dump)(self.instance.as_ptr(), 2 * self.clocks + half);
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.end_trace();
        (self.interface.destroy)(self.instance.as_ptr());
    }
}

/// A C string as a `String`.
///
/// # Safety
/// `string` is a valid C string.
unsafe fn text(string: *const c_char) -> String {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// The objects of a compiled run-time library, in a fixed order.
fn objects_in(directory: &Path) -> Result<Vec<std::ffi::OsString>, Error> {
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(Error::io("list", directory))? {
        let path = entry.map_err(Error::io("list", directory))?.path();
        if path.extension().is_some_and(|extension| extension == "o") {
            objects.push(path.into_os_string());
        }
    }
    objects.sort();
    Ok(objects)
}

/// Gives a function that makes an instance of a model linked by a build script with [`build_static`](crate::build_static).
///
/// ```ignore
/// fpgaflow_verilate::linked_model! {
///     /// The card with a 64-bit data path.
///     pub fn card64 = "fpgaflow_model_card64";
/// }
/// let mut model = card64()?;
/// ```
#[macro_export]
macro_rules! linked_model {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident = $symbol:literal;) => {
        $(#[$attribute])*
        $visibility fn $name() -> Result<$crate::Model, $crate::Error> {
            unsafe extern "C" {
                #[link_name = $symbol]
                fn entry() -> *const $crate::Interface;
            }
            // SAFETY: the symbol is the shim's: it takes nothing and returns the address of a constant.
            unsafe { $crate::Model::from_interface(entry()) }
        }
    };
}
