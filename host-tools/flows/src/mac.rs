//! Ethernet addresses as text.

use std::fmt::Write;

use fpgaflow_abi::next_hop::MacAddr;

/// Text that is no Ethernet address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an Ethernet address such as 02:00:00:00:01:01")]
pub struct MacError(String);

/// Reads six pairs of hexadecimal digits with colons between them.
///
/// # Errors
/// [`MacError`] for anything else.
pub fn parse_mac(text: &str) -> Result<MacAddr, MacError> {
    let wrong = || MacError(text.into());
    let mut mac = MacAddr::default();
    let mut bytes = text.split(':');
    for byte in &mut mac {
        let digits = bytes.next().filter(|digits| digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        *byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(wrong)?;
    }
    if bytes.next().is_some() { Err(wrong()) } else { Ok(mac) }
}

/// The address as [`parse_mac`] reads it.
pub fn format_mac(mac: MacAddr) -> String {
    mac.iter().enumerate().fold(String::new(), |mut text, (i, byte)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{byte:02x}", if i == 0 { "" } else { ":" });
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_its_text() {
        let mac = [0x02, 0xab, 0, 0xff, 0x10, 0x01];
        assert_eq!(format_mac(mac), "02:ab:00:ff:10:01");
        assert_eq!(parse_mac("02:AB:00:ff:10:01"), Ok(mac));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "02",
            "02:00:00:00:01",
            "02:00:00:00:01:01:01",
            "2:0:0:0:1:1",
            "02:00:00:00:01:0g",
            "02:00:00:00:01:+1",
            "020000000101",
        ] {
            assert_eq!(parse_mac(text), Err(MacError(text.into())));
        }
    }
}
