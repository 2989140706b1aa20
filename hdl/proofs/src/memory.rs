//! Memories as a proof wants them.
//!
//! - A word that is read in the clock in which it is written is any word: that is all that [`Memory`](fpgaflow_hdl::prim::Memory)
//!   promises of hardware, and a simulator's answer would be one of many.
//! - A second address to look at, `peek_at`, and the word there, `peek`: an invariant can say what a memory holds. Nothing else of the
//!   block sees them.

/// The block's Verilog with such memories.
pub fn open(verilog: &str) -> String {
    let mut out = String::with_capacity(verilog.len());
    for line in verilog.lines() {
        if let Some((msb, last)) = declaration(line) {
            let address = usize::BITS - last.leading_zeros() - 1;
            out += &format!(
                "{line}\nwire [{address}:0] peek_at;\nwire [{msb}:0] peek = mem[peek_at];\n(* anyseq *) wire [{msb}:0] undefined;\n"
            );
        } else if let Some((start, register)) = synchronous_read(line) {
            out += &format!("{start}if (ren) {register} <= (wen & (waddr == raddr)) ? undefined : mem[raddr];\n");
        } else {
            out += line;
            out.push('\n');
        }
    }
    out
}

/// `reg [MSB:0] mem [0:LAST];`: the most significant bit of a word, and the last address.
fn declaration(line: &str) -> Option<(&str, usize)> {
    let (msb, last) = line.trim().strip_prefix("reg [")?.split_once(":0] mem [0:")?;
    Some((msb, last.strip_suffix("];")?.parse().ok()?))
}

/// `if (ren) REGISTER <= mem[raddr];`: what stands before it, and the register.
fn synchronous_read(line: &str) -> Option<(&str, &str)> {
    let (start, rest) = line.split_once("if (ren) ")?;
    Some((start, rest.strip_suffix(" <= mem[raddr];")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks;

    #[test]
    fn a_block_rams_read_is_undefined_in_a_collision_and_a_lut_rams_is_not() {
        for (block, reads) in [("stream_fifo", 1), ("slots", 8), ("shelf", 0)] {
            let verilog = blocks::verilog(block).expect("there is one").expect("it is clean");
            let opened = open(&verilog);
            assert_eq!(opened.matches("? undefined : mem[raddr];").count(), reads, "{block}");
            assert_eq!(opened.matches("= mem[peek_at];").count(), reads.max(1), "{block}");
        }
    }
}
