//! Placement: how fast, how full, and what structured keys do to a linear hash. `cargo bench -p fpgaflow-driver --bench placement`.

use fpgaflow_abi::slot::stash_for;
use fpgaflow_driver::bench::keys::KeyShape;
use fpgaflow_driver::bench::placement::{Workload, fill, first_refusal};
use fpgaflow_driver::placement::{Effort, Refusal};

const SECRETS: u64 = 200;

fn main() {
    let seed = std::env::var("FPGAFLOW_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("FPGAFLOW_SEED={seed}");
    println!("\nfrom empty to 95 %, one core, hash included, best of 5:");
    for bucket_bits in [9, 13, 17] {
        let slots = 8 << bucket_bits;
        let workload = Workload { bucket_bits, stash: stash_for(slots), shape: KeyShape::Random, seed, choose_secret: true };
        let runs = (0..5).map(|_| fill(&workload, 0.95, Effort::QUICK));
        let best = runs.min_by_key(|run| run.elapsed).expect("five runs");
        println!(
            "  {:>8} slots: {:.2} M inserts/s, {:.3} writes a key, {} refused, moves {:?}, stash high water {}",
            slots,
            best.inserts_per_second() / 1e6,
            best.writes as f64 / best.placed as f64,
            best.refused,
            &best.stats.moves[..8],
            best.stats.stash_high_water
        );
    }
    for (choose_secret, how) in [(false, "as drawn"), (true, "chosen")] {
        println!("\nload at the first refusal, {SECRETS} secrets {how}, 4,096 slots:");
        for shape in KeyShape::ALL {
            for (name, effort) in [("quick", Effort::QUICK), ("deep", Effort::LAST)] {
                let workload = |i| Workload { bucket_bits: 9, stash: stash_for(8 << 9), shape, seed: seed + i, choose_secret };
                let mut runs: Vec<_> = (0..SECRETS).map(|i| first_refusal(&workload(i), effort)).collect();
                runs.sort_by(|a, b| a.load.total_cmp(&b.load));
                let at = |share: f64| runs[(share * (runs.len() - 1) as f64) as usize].load;
                let poor = runs.iter().filter(|run| run.load < 0.94).count();
                let tags = runs.iter().filter(|run| run.refusal == Some(Refusal::TagTaken)).count();
                println!(
                    "  {:<21} {name:<6} worst {:.3}, 10 % below {:.3}, median {:.3}; {poor} secrets below 0.94; {tags} for a tag",
                    shape.name(),
                    at(0.0),
                    at(0.1),
                    at(0.5),
                );
            }
        }
    }
}
