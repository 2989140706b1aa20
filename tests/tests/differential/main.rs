//! Random frames through the RTL and the golden model while tables change, at both widths: no difference in any frame, order or counter.
//!
//! [`fpgaflow_traffic::SEED_VARIABLE`] replays a run; [`fpgaflow_traffic::FRAMES_VARIABLE`] is how many frames all settings of a width together get.

mod press;

use fpgaflow_abi::reason::Reason;
use fpgaflow_card::Timing;
use fpgaflow_golden::Losses;
use fpgaflow_tests::{PortSetup, at_both_widths};
use fpgaflow_traffic::{Sizes, Variety};

use press::{Flows, HOST_MAY_LOSE, Setting, VARIED, assert_varied, deep, frames_of, press};

at_both_widths! {
    fn rtl_and_model_agree_at_line_rate(width) {
        let outcome = press(width, "line rate", &Setting { share_percent: 14, losses: HOST_MAY_LOSE, ..VARIED });
        assert_varied(&outcome.report);
    }

    fn rtl_and_model_agree_at_line_rate_on_ipv4_without_tags(width) {
        press(width, "line rate, plain", &Setting { share_percent: 10, losses: HOST_MAY_LOSE, variety: Variety::plain, ..VARIED });
    }

    fn rtl_and_model_agree_at_line_rate_on_ipv6_behind_two_tags_and_pppoe(width) {
        press(width, "line rate, deep", &Setting { share_percent: 8, losses: HOST_MAY_LOSE, variety: deep, ..VARIED });
    }

    fn rtl_and_model_agree_on_frames_of_every_size(width) {
        let outcome = press(width, "every size", &Setting { share_percent: 8, sizes: Sizes::Mixed, ..VARIED });
        assert_eq!(outcome.report.count(Reason::HostFull), 0);
        assert_varied(&outcome.report);
    }

    fn rtl_and_model_agree_while_a_crowded_table_moves(width) {
        let setting = Setting { share_percent: 20, flows: Flows::PercentOfSlots(101), fill_percent: 95, churn_every: 2, ..VARIED };
        let outcome = press(width, "crowded table", &setting);
        if frames_of(&setting) > 10_000 {
            assert!(outcome.moves > 100, "{} slots moved", outcome.moves);
            assert!(outcome.churn.installed > outcome.flows && outcome.churn.removed > 100, "{:?}", outcome.churn);
        }
    }

    fn rtl_and_model_agree_on_few_flows_that_hit_all_the_time(width) {
        press(width, "few flows", &Setting { share_percent: 6, flows: Flows::Number(3), fill_percent: 100, churn_every: 16, ..VARIED });
    }

    fn rtl_and_model_agree_while_rows_go_bad_and_are_mended(width) {
        let outcome = press(width, "bad rows", &Setting { share_percent: 8, damage_every: 5, losses: HOST_MAY_LOSE, ..VARIED });
        if outcome.report.summary.injected > 20_000 {
            assert!(outcome.report.count(Reason::Parity) > 0, "no frame met a bad row");
            for table in ["slots", "entries", "next hops"] {
                assert!(outcome.mended.contains_key(table), "no row of the {table} was mended: {:?}", outcome.mended);
            }
        }
    }

    fn rtl_and_model_agree_behind_a_slow_bus(width) {
        let timing = Timing { bus_latency: 150, bus_stall_percent: 30, ..VARIED.timing };
        press(width, "slow bus", &Setting { share_percent: 7, timing, ..VARIED });
    }

    fn rtl_and_model_agree_on_slow_wires(width) {
        let timing = Timing { rx_stall_percent: 20, tx_stall_percent: 50, ..VARIED.timing };
        press(width, "slow wires", &Setting { share_percent: 8, timing, ..VARIED });
    }

    fn rtl_and_model_agree_when_everything_stalls(width) {
        let timing = Timing { bus_latency: 20, bus_stall_percent: 50, rx_stall_percent: 50, tx_stall_percent: 50 };
        press(width, "everything stalls", &Setting { share_percent: 6, timing, losses: HOST_MAY_LOSE, sizes: Sizes::Mixed, ..VARIED });
    }

    fn rtl_and_model_agree_on_datagrams_in_fragments(width) {
        let setting = Setting { share_percent: 8, churn_every: 64, fragments: true, ..VARIED };
        let outcome = press(width, "fragments", &setting);
        let summary = &outcome.report.summary;
        if frames_of(&setting) > 10_000 {
            assert!(summary.fragments_forwarded > 2_000, "{} fragments were forwarded", summary.fragments_forwarded);
            assert!(outcome.report.count(Reason::Fragment) > 100, "too few fragments were punted to say anything");
        }
    }

    fn rtl_and_model_agree_when_ports_drop(width) {
        // Without changes of actions: a frame that was dropped does not show which of two it met.
        let setting = Setting {
            share_percent: 5,
            timing: Timing { tx_stall_percent: 90, ..VARIED.timing },
            churn_every: 0,
            losses: Losses { host_full: true, tx_full: true },
            port: PortSetup { promiscuous: true, tail_drop: true },
            ..VARIED
        };
        let outcome = press(width, "ports drop", &setting);
        if frames_of(&setting) > 10_000 {
            assert!(outcome.report.count(Reason::TxFull) > 0, "no port dropped anything");
        }
    }
}
