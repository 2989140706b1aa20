//! Frames in and out, written out.

use fpgaflow_abi::key::Family::{V4, V6};
use fpgaflow_abi::key::TagKind::{Dot1Q, Dot1ad};
use fpgaflow_abi::key::{Encap, Family};
use fpgaflow_tests::at_both_widths;

use crate::lab::{Lab, Outcome, encap};

/// From the station at the ingress port to the card.
const CAME: &str = "02 00 00 00 00 00  02 aa 00 00 00 00";
/// From the card to its next hop.
const LEFT: &str = "02 01 00 00 02 01  02 01 00 00 01 01";
/// A packet of 32 bytes: 192.0.2.0:1000 to 198.51.100.1:2000, "abcd".
const CAME_32: &str = "45 00 00 20  00 00 00 00  40 11 8e 98  c0 00 02 00  c6 33 64 01  03 e8 07 d0  00 0c 43 22  61 62 63 64";
/// The same from 203.0.113.5:61000.
const LEFT_32: &str = "45 00 00 20  00 00 00 00  3f 11 15 93  cb 00 71 05  c6 33 64 01  ee 48 07 d0  00 0c de bb  61 62 63 64";
/// One of 38 bytes, "abcdefghij".
const CAME_38: &str =
    "45 00 00 26  00 00 00 00  40 11 8e 92  c0 00 02 00  c6 33 64 01  03 e8 07 d0  00 12 0c dd  61 62 63 64 65 66 67 68 69 6a";
const LEFT_38: &str =
    "45 00 00 26  00 00 00 00  3f 11 15 8d  cb 00 71 05  c6 33 64 01  ee 48 07 d0  00 12 a8 76  61 62 63 64 65 66 67 68 69 6a";
/// One of 46 bytes, what a shortest frame without tags carries; "a" to "r".
const CAME_46: &str = "45 00 00 2e  00 00 00 00  40 11 8e 8a  c0 00 02 00  c6 33 64 01  03 e8 07 d0  00 1a 53 0f
    61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72";
const LEFT_46: &str = "45 00 00 2e  00 00 00 00  3f 11 15 85  cb 00 71 05  c6 33 64 01  ee 48 07 d0  00 1a ee a8
    61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72";
/// IPv6, 50 bytes: [2001:db8::]:1000 to [2001:db8:1::1]:2000, "ab".
const CAME_V6: &str = "60 00 00 00  00 0a 11 40  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 00
    20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 01  03 e8 07 d0  00 0a 37 4c  61 62";
/// The same from [2001:db8:ffff::5]:61000.
const LEFT_V6: &str = "60 00 00 00  00 0a 11 3f  20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 05
    20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 01  ee 48 07 d0  00 0a 4c e6  61 62";

/// The bytes that `parts` spell, and `padding` of them more, each `pad`.
fn frame(parts: &[&str], padding: usize, pad: u8) -> Vec<u8> {
    let byte = |text: &str| u8::from_str_radix(text, 16).expect("hexadecimal bytes");
    let mut bytes: Vec<_> = parts.iter().flat_map(|part| part.split_whitespace()).map(byte).collect();
    bytes.resize(bytes.len() + padding, pad);
    bytes
}

/// One flow, and what its frame must leave as.
fn check(width: fpgaflow_tests::Width, family: Family, comes_in: Encap, leaves_in: Encap, came: &[u8], due: &[u8]) {
    let mut lab = Lab::new(width, false);
    lab.flow(family, 0, comes_in, leaves_in, 1500);
    assert_eq!(lab.send(came), Outcome::Left(due.to_vec()));
    lab.finish();
}

at_both_widths! {
    fn padding_is_not_tagged_along_when_a_tag_is_pushed(width) {
        let came = frame(&[CAME, "08 00", CAME_32], 14, 0xee);
        let due = frame(&[LEFT, "81 00 00 64  08 00", LEFT_32], 10, 0);
        assert_eq!((came.len(), due.len()), (60, 60));
        check(width, V4, Encap::NONE, encap([Some((Dot1Q, 100)), None], None), &came, &due);
    }

    fn a_full_shortest_frame_grows_by_its_tags(width) {
        let came = frame(&[CAME, "08 00", CAME_46], 0, 0);
        let due = frame(&[LEFT, "88 a8 0f fe  81 00 00 01  08 00", LEFT_46], 0, 0);
        assert_eq!((came.len(), due.len()), (60, 68));
        check(width, V4, Encap::NONE, encap([Some((Dot1ad, 4094)), Some((Dot1Q, 1))], None), &came, &due);
    }

    fn a_frame_that_loses_its_tag_is_just_long_enough(width) {
        let came = frame(&[CAME, "81 00 00 64  08 00", CAME_46], 0, 0);
        let due = frame(&[LEFT, "08 00", LEFT_46], 0, 0);
        assert_eq!((came.len(), due.len()), (64, 60));
        check(width, V4, encap([Some((Dot1Q, 100)), None], None), Encap::NONE, &came, &due);
    }

    fn a_frame_that_loses_two_tags_is_padded_with_zeros(width) {
        // Priorities 5 and 7, DEI of the inner tag: not part of the flow.
        let came = frame(&[CAME, "88 a8 a0 14  81 00 f0 1f  08 00", CAME_38], 0, 0);
        let due = frame(&[LEFT, "08 00", LEFT_38], 8, 0);
        assert_eq!((came.len(), due.len()), (60, 60));
        check(width, V4, encap([Some((Dot1ad, 20)), Some((Dot1Q, 31))], None), Encap::NONE, &came, &due);
    }

    fn tags_are_translated_without_their_priorities(width) {
        let came = frame(&[CAME, "81 00 e0 64  08 00", CAME_32], 10, 0xee);
        let due = frame(&[LEFT, "88 a8 00 c8  08 00", LEFT_32], 10, 0);
        check(width, V4, encap([Some((Dot1Q, 100)), None], None), encap([Some((Dot1ad, 200)), None], None), &came, &due);
    }

    fn vlan_0_is_a_tag_like_others(width) {
        let came = frame(&[CAME, "81 00 60 00  08 00", CAME_32], 10, 0xee);
        let due = frame(&[LEFT, "81 00 00 00  08 00", LEFT_32], 10, 0);
        let vlan_0 = encap([Some((Dot1Q, 0)), None], None);
        check(width, V4, vlan_0, vlan_0, &came, &due);
    }

    fn padding_is_not_in_the_pppoe_length_when_a_session_is_pushed(width) {
        let came = frame(&[CAME, "08 00", CAME_32], 14, 0xee);
        // 32 bytes and the PPP protocol.
        let due = frame(&[LEFT, "88 64  11 00 be ef 00 22  00 21", LEFT_32], 6, 0);
        assert_eq!((came.len(), due.len()), (60, 60));
        check(width, V4, Encap::NONE, encap([None, None], Some(0xbeef)), &came, &due);
    }

    fn padding_behind_a_pppoe_packet_is_not_payload(width) {
        let came = frame(&[CAME, "88 64  11 00 00 07 00 22  00 21", CAME_32], 6, 0xee);
        let due = frame(&[LEFT, "08 00", LEFT_32], 14, 0);
        assert_eq!((came.len(), due.len()), (60, 60));
        check(width, V4, encap([None, None], Some(7)), Encap::NONE, &came, &due);
    }

    fn what_pppoe_carries_behind_its_packet_is_not_payload(width) {
        // The session carries two bytes more than its packet has, the frame four more than those.
        let came = frame(&[CAME, "88 64  11 00 00 07 00 24  00 21", CAME_32], 6, 0xee);
        let due = frame(&[LEFT, "88 64  11 00 00 08 00 22  00 21", LEFT_32], 6, 0);
        check(width, V4, encap([None, None], Some(7)), encap([None, None], Some(8)), &came, &due);
    }

    fn ipv6_leaves_two_tags_and_pppoe(width) {
        let came = frame(&[CAME, "88 a8 00 46  81 00 00 47  88 64  11 00 00 07 00 34  00 57", CAME_V6], 0, 0);
        let due = frame(&[LEFT, "86 dd", LEFT_V6], 0, 0);
        assert_eq!((came.len(), due.len()), (80, 64));
        check(width, V6, encap([Some((Dot1ad, 70)), Some((Dot1Q, 71))], Some(7)), Encap::NONE, &came, &due);
    }

    fn ipv6_enters_two_tags_and_pppoe(width) {
        let came = frame(&[CAME, "86 dd", CAME_V6], 3, 0xee);
        let due = frame(&[LEFT, "81 00 00 46  81 00 00 47  88 64  11 00 ff fe 00 34  00 57", LEFT_V6], 0, 0);
        assert_eq!((came.len(), due.len()), (67, 80));
        check(width, V6, Encap::NONE, encap([Some((Dot1Q, 70)), Some((Dot1Q, 71))], Some(0xfffe)), &came, &due);
    }
}
