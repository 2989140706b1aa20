//! What two peers agree on before anything else.

use serde::{Deserialize, Serialize};

use super::protocol::{MAJOR, MAX_FDS, MAX_TRANSFER_BYTES, MINOR, Version};

/// What a peer can take; what it does not say is the specification's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Most descriptors in a message.
    pub max_msg_fds: u64,
    /// Most bytes of a region or memory in a message.
    pub max_data_xfer_size: u64,
    /// Page sizes that DMA mappings may have, as bits.
    pub pgsizes: u64,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { max_msg_fds: 1, max_data_xfer_size: 1 << 20, pgsizes: 4096 }
    }
}

impl Capabilities {
    /// What both sides of this project take.
    pub const OURS: Self = Self { max_msg_fds: MAX_FDS as u64, max_data_xfer_size: MAX_TRANSFER_BYTES as u64, pgsizes: 4096 };
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct VersionData {
    capabilities: Capabilities,
}

/// Why two peers do not understand each other.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The message is too short.
    #[error("the version message has {0} bytes")]
    Short(usize),
    /// Another protocol.
    #[error("the peer speaks vfio-user {major}.{minor}, here it is {MAJOR}.{MINOR}")]
    Other {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// Capabilities are not a string.
    #[error("the peer's capabilities are not text that ends with NUL")]
    NotText,
    /// Capabilities are not JSON.
    #[error("read the peer's capabilities")]
    Json(#[source] serde_json::Error),
    /// A limit with which nothing can be done.
    #[error("the peer takes transfers of {0} bytes at most")]
    Transfer(u64),
}

/// The payload of a version message, either way.
pub fn encode() -> Vec<u8> {
    let mut payload = Vec::new();
    Version { major: MAJOR, minor: MINOR }.encode(&mut payload);
    let data = VersionData { capabilities: Capabilities::OURS };
    // A structure of three numbers: writing it to memory cannot fail.
    payload.extend(serde_json::to_vec(&data).unwrap_or_default());
    payload.push(0);
    payload
}

/// Reads the payload of a version message.
///
/// # Errors
/// [`VersionError`].
pub fn decode(payload: &[u8]) -> Result<Capabilities, VersionError> {
    let (version, text) = Version::decode(payload).ok_or(VersionError::Short(payload.len()))?;
    if version.major != MAJOR {
        return Err(VersionError::Other { major: version.major, minor: version.minor });
    }
    // Capabilities may be left out altogether.
    let capabilities = match text.split_last() {
        None => Capabilities::default(),
        Some((0, text)) => {
            let text = std::str::from_utf8(text).map_err(|_| VersionError::NotText)?;
            serde_json::from_str::<VersionData>(text).map_err(VersionError::Json)?.capabilities
        }
        Some(_) => return Err(VersionError::NotText),
    };
    // A register access is four bytes.
    if capabilities.max_data_xfer_size < 4 {
        return Err(VersionError::Transfer(capabilities.max_data_xfer_size));
    }
    Ok(capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 0], text].concat()
    }

    #[test]
    fn what_is_said_is_understood() {
        assert_eq!(decode(&encode()).unwrap(), Capabilities::OURS);
        let theirs =
            decode(&message(b"{\"capabilities\":{\"max_msg_fds\":16,\"write_multiple\":true,\"migration\":{}}}\0")).unwrap();
        assert_eq!(theirs, Capabilities { max_msg_fds: 16, ..Capabilities::default() });
        assert_eq!(decode(&message(b"")).unwrap(), Capabilities::default());
    }

    #[test]
    fn what_is_not_a_version_is_refused_with_its_reason() {
        assert!(matches!(decode(&[0, 0, 0]), Err(VersionError::Short(3))));
        assert!(matches!(decode(&[1, 0, 0, 0]), Err(VersionError::Other { major: 1, .. })));
        assert!(matches!(decode(&message(b"{}")), Err(VersionError::NotText)));
        assert!(matches!(decode(&message(b"\xff\0")), Err(VersionError::NotText)));
        assert!(matches!(decode(&message(b"{\"capabilities\":7}\0")), Err(VersionError::Json(_))));
        let nothing = decode(&message(b"{\"capabilities\":{\"max_data_xfer_size\":0}}\0"));
        assert!(matches!(nothing, Err(VersionError::Transfer(0))));
    }
}
