//! The software flowtable, one core, 64-byte frames. `cargo bench -p fpgaflow-driver --bench software [-- FLOWS ...]`.

use fpgaflow_driver::bench::software::Rig;

fn main() {
    let seed = std::env::var("FPGAFLOW_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("FPGAFLOW_SEED={seed}");
    println!("parse to rewritten frame, 64-byte frames, all hits, one core, best of 20:");
    let asked: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    for flows in if asked.is_empty() { vec![1 << 10, 1 << 16, 1 << 20] } else { asked } {
        let mut rig = Rig::new(flows, seed);
        let rounds = ((1 << 21) / flows as u32).max(1);
        let runs = (0..20).map(|_| rig.run(rounds));
        let best = runs.min_by_key(|run| run.elapsed).expect("twenty runs");
        assert!(rig.checksums_are_right());
        println!("  {flows:>8} flows: {:.1} M frames/s", best.frames_per_second() / 1e6);
    }
}
