//! The memories of a model, read from the header Verilator writes for its root class.
//!
//! Modules that exist once, as all of rust-hdl's do, are inlined into the root; a memory is a member there, called like its path.

/// One memory of the design.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Its path from the top: `table.rows.mem`.
    pub name: String,
    /// The C++ member that stores it.
    pub member: String,
    /// Bits of a word.
    pub width: u32,
    /// Words.
    pub words: u32,
}

/// The memories of `top` in the order of the header. Lines that state none, or an array of another class than words, are passed over.
pub fn parse_root_header(header: &str, top: &str) -> Vec<Memory> {
    header.lines().filter_map(|line| parse_line(line, top)).collect()
}

/// `VlUnpacked<VlWide<3>/*64:0*/, 2048> top__DOT__store__DOT__mem;`
fn parse_line(line: &str, top: &str) -> Option<Memory> {
    let (element, rest) = line.trim().strip_prefix("VlUnpacked<")?.split_once("/*")?;
    if !(matches!(element, "CData" | "SData" | "IData" | "QData") || element.starts_with("VlWide<")) {
        return None;
    }
    let (range, rest) = rest.split_once("*/, ")?;
    let (msb, lsb) = range.split_once(':')?;
    let (words, rest) = rest.split_once("> ")?;
    let member = rest.strip_suffix(';')?;
    let path = member.strip_prefix(top)?.strip_prefix("__DOT__")?;
    let width = msb.parse::<u32>().ok()?.checked_sub(lsb.parse().ok()?)? + 1;
    Some(Memory { name: path.replace("__DOT__", "."), member: member.to_owned(), width, words: words.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_storage_class_is_read_with_its_path_width_and_words() {
        let header = "        VlUnpacked<VlWide<3>/*64:0*/, 2048> top__DOT__store__DOT__mem;\n\
                      VlUnpacked<CData/*1:0*/, 16> top__DOT__tags;\n\
                      VlUnpacked<VlUnpacked<CData/*0:0*/, 4>, 2> top__DOT__grid;\n\
                      IData/*31:0*/ top__DOT__word;\n\
                      VlUnpacked<CData/*0:0*/, 4> __Vm_traceActivity;\n";
        let memory = |name: &str, member: &str, width, words| Memory { name: name.into(), member: member.into(), width, words };
        assert_eq!(
            parse_root_header(header, "top"),
            [memory("store.mem", "top__DOT__store__DOT__mem", 65, 2048), memory("tags", "top__DOT__tags", 2, 16)]
        );
    }
}
