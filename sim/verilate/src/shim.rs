//! The C++ between a Verilated class and [`crate::Model`]: tables of ports and memories and a handful of functions.
//!
//! The layout of the structures is repeated, field by field, in `model.rs` and `model/memory.rs`; [`INTERFACE_VERSION`] changes with it.

use std::fmt::Write;

use crate::memories::Memory;
use crate::ports::{Direction, Port};
use crate::source::{Source, Trace};

/// Version of the structures the shim and the Rust side share.
pub const INTERFACE_VERSION: u32 = 2;

/// The one symbol a model exports.
pub fn entry_symbol(name: &str) -> String {
    format!("fpgaflow_model_{name}")
}

/// The C++ class Verilator is told to write.
pub fn class_name(name: &str) -> String {
    format!("V{name}")
}

/// The shim's text.
pub fn generate(source: &Source, ports: &[Port], memories: &[Memory]) -> String {
    let class = class_name(&source.name);
    let mut table = String::new();
    let mut storage = String::new();
    for (index, port) in ports.iter().enumerate() {
        let is_input = u32::from(port.direction == Direction::Input);
        writeln!(table, "    {{\"{}\", {}, {is_input}}},", port.name, port.width).expect("a String takes all");
        writeln!(storage, "        case {index}: return &top->{};", port.member).expect("a String takes all");
    }
    let (mut memory_table, mut memory_storage) = (String::new(), String::new());
    for (index, Memory { name, member, width, words }) in memories.iter().enumerate() {
        writeln!(memory_table, "    {{\"{name}\", {width}, {words}}},").expect("a String takes all");
        writeln!(memory_storage, "        case {index}: return &root->{member}[0];").expect("a String takes all");
    }
    let (include, members, open) = trace_parts(source.trace);
    format!(
        r#"// The interface of one Verilated model. Generated.
#include "{class}.h"
#include "{class}___024root.h"
#include "verilated.h"
{include}
#include <cstdint>
#include <memory>

namespace {{

struct Port {{
    const char* name;
    uint32_t width;
    uint32_t is_input;
}};

struct Memory {{
    const char* name;
    uint32_t width;
    uint32_t words;
}};

struct Interface {{
    uint32_t version;
    uint32_t port_count;
    uint32_t memory_count;
    const char* top;
    const Port* ports;
    const Memory* memories;
    void* (*create)();
    void (*destroy)(void*);
    void* (*storage)(void*, uint32_t);
    void* (*memory)(void*, uint32_t);
    void (*eval)(void*);
    int32_t (*trace_open)(void*, const char*);
    void (*trace_dump)(void*, uint64_t);
    void (*trace_close)(void*);
}};

// Members go in reverse order: the waveform and the model before the context they live in.
struct Instance {{
    VerilatedContext context;
    std::unique_ptr<{class}> top;
{members}
}};

{class}* top_of(void* instance) {{ return static_cast<Instance*>(instance)->top.get(); }}

void* create() {{
    auto* instance = new Instance;
    instance->context.traceEverOn(true);
    instance->top = std::make_unique<{class}>(&instance->context, "TOP");
    return instance;
}}

void destroy(void* instance) {{
    top_of(instance)->final();
    delete static_cast<Instance*>(instance);
}}

void* storage(void* instance, uint32_t port) {{
    {class}* top = top_of(instance);
    switch (port) {{
{storage}        default: return nullptr;
    }}
}}

void* memory(void* instance, uint32_t index) {{
    auto* root = top_of(instance)->rootp;
    switch (index) {{
{memory_storage}        default: (void)root; return nullptr;
    }}
}}

void eval(void* instance) {{ top_of(instance)->eval(); }}

{open}

const Port ports[] = {{
{table}}};

// One more than there are: no array of C++ is empty.
const Memory memories[] = {{
{memory_table}    {{nullptr, 0, 0}},
}};

const Interface interface = {{{INTERFACE_VERSION}, {count}, {memory_count}, "{top}", ports, memories, create, destroy,
                             storage, memory, eval, trace_open, trace_dump, trace_close}};

}}  // namespace

extern "C" __attribute__((visibility("default"))) const void* {symbol}() {{ return &interface; }}
"#,
        count = ports.len(),
        memory_count = memories.len(),
        top = source.top,
        symbol = entry_symbol(&source.name),
    )
}

/// Includes, members of `Instance`, and the three trace functions.
fn trace_parts(trace: Option<Trace>) -> (&'static str, String, String) {
    let (include, class) = match trace {
        Some(Trace::Vcd) => ("#include \"verilated_vcd_c.h\"", "VerilatedVcdC"),
        Some(Trace::Fst) => ("#include \"verilated_fst_c.h\"", "VerilatedFstC"),
        None => {
            let open = "int32_t trace_open(void*, const char*) { return -1; }\n\
                        void trace_dump(void*, uint64_t) {}\n\
                        void trace_close(void*) {}";
            return ("", String::new(), open.to_owned());
        }
    };
    let open = r"int32_t trace_open(void* instance, const char* path) {
    auto* self = static_cast<Instance*>(instance);
    if (!self->attached) {
        self->top->trace(&self->wave, 99);
        self->attached = true;
    }
    self->wave.open(path);
    return self->wave.isOpen() ? 0 : -2;
}
void trace_dump(void* instance, uint64_t time) { static_cast<Instance*>(instance)->wave.dump(time); }
void trace_close(void* instance) { static_cast<Instance*>(instance)->wave.close(); }";
    (include, format!("    {class} wave;\n    bool attached = false;"), open.to_owned())
}
