//! What the width of an engine decides: a trait implemented for [`Width`] names the block of each.

/// A width that an engine may have, in bits.
#[derive(Debug, Clone, Copy)]
pub struct Width<const W: usize>;
