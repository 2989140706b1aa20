//! Verilog of wide sums without carry.

/// The exclusive or of `terms` as a balanced tree: synthesis does not balance a chain by itself.
pub(crate) fn xor_tree(mut terms: Vec<String>) -> String {
    while terms.len() > 1 {
        terms = terms.chunks(2).map(|pair| if let [a, b] = pair { format!("({a} ^ {b})") } else { pair[0].clone() }).collect();
    }
    terms.pop().unwrap_or_default()
}
