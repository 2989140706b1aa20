//! The daemon's configuration: TOML, every table and field optional, unknown fields refused by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fpgaflow_abi::next_hop::MacAddr;
use serde::{Deserialize, Deserializer};

use crate::control::LoopSettings;
use crate::engine::Settings;
use crate::policy::Policy;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or not a configuration.
    #[error("{}: {field}: {message}", file.display())]
    Field {
        /// The file.
        file: PathBuf,
        /// Where in it: the path of the field, or `line N`.
        field: String,
        /// What is wrong.
        message: String,
    },
}

/// What the user configures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the TAP devices of ports that `ports` does not name, `%d` being the port's number.
    pub port_names: PortNames,
    /// Ports of the card in their order.
    pub ports: Vec<PortConfig>,
    /// Which connections are offloaded.
    pub policy: Policy,
    /// Routes.
    pub routes: Routes,
    /// Times.
    pub timeouts: Timeouts,
    /// Kernel events.
    pub events: Events,
    /// Frames between card and kernel.
    pub datapath: Datapath,
}

/// A pattern for names of interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PortNames(pub String);

impl Default for PortNames {
    fn default() -> Self {
        Self("fpga%d".into())
    }
}

/// One port of the card, `[[ports]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortConfig {
    /// Name of its TAP device.
    pub name: String,
    /// Its Ethernet address. Without one it is the same at every start, made of the machine's identity and the name; a device that was there
    /// keeps its own.
    #[serde(default, deserialize_with = "mac")]
    pub mac: Option<MacAddr>,
    /// Its MTU in bytes; the kernel's default is 1500.
    #[serde(default)]
    pub mtu: Option<u16>,
}

/// Table `[routes]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Routes {
    /// Bits of the connmark that rules restore to the packet mark, for policy routing by mark; route lookups use them.
    pub mark_mask: u32,
}

/// Table `[timeouts]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Seconds without packets after which a flow leaves the card.
    pub idle_s: u32,
    /// Seconds between two comparisons with all of conntrack.
    pub resync_s: u32,
    /// Most seconds that frames on their way are waited for at the end.
    pub drain_s: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { idle_s: 30, resync_s: 60, drain_s: 2 }
    }
}

/// Table `[events]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Bytes of kernel events that may wait to be read.
    pub buffer_bytes: u32,
}

impl Default for Events {
    fn default() -> Self {
        Self { buffer_bytes: 16 << 20 }
    }
}

/// Table `[datapath]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Datapath {
    /// Longest time in microseconds to poll for more frames before sleeping.
    pub busy_poll_us: u32,
    /// Whether a port that is not taken from at once drops frames, instead of holding up the engine.
    pub tail_drop: bool,
    /// Milliseconds after which a card that has not executed its oldest command is reset.
    pub card_timeout_ms: u32,
    /// Seconds for which a card that fails again and again is given no flows; its frames are forwarded by the host meanwhile.
    pub card_rest_s: u32,
}

impl Default for Datapath {
    fn default() -> Self {
        Self { busy_poll_us: 50, tail_drop: false, card_timeout_ms: 2000, card_rest_s: 60 }
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] names file and field.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Self::parse(&text).map_err(|(field, message)| ConfigError::Field { file: file.to_owned(), field, message })
    }

    /// Parses a configuration; the error is where and what.
    fn parse(text: &str) -> Result<Self, (String, String)> {
        let document = toml::Deserializer::parse(text).map_err(|error| (line(text, &error), error.message().to_owned()))?;
        serde_path_to_error::deserialize(document).map_err(|error| {
            let field = match error.path().to_string() {
                path if path == "." => line(text, error.inner()),
                path => path,
            };
            (field, error.inner().message().to_owned())
        })
    }

    /// Name of port `port`'s TAP device.
    pub fn port_name(&self, port: u8) -> String {
        match self.ports.get(usize::from(port)) {
            Some(configured) => configured.name.clone(),
            None => self.port_names.0.replace("%d", &port.to_string()),
        }
    }

    /// What of it is the engine's.
    pub fn engine(&self) -> Settings {
        Settings {
            policy: self.policy,
            idle: Duration::from_secs(self.timeouts.idle_s.into()),
            route_mark_mask: self.routes.mark_mask,
        }
    }

    /// What of it is the control loop's.
    pub fn control(&self) -> LoopSettings {
        LoopSettings {
            event_buffer_bytes: self.events.buffer_bytes as usize,
            resync: Duration::from_secs(self.timeouts.resync_s.max(1).into()),
        }
    }
}

/// The line that an error of TOML points at.
fn line(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    format!("line {}", text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1)
}

fn mac<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MacAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let octets: Vec<u8> = text.split(':').filter_map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    match <MacAddr>::try_from(octets.as_slice()) {
        Ok(mac) if mac[0] & 1 == 0 && text.len() == 17 => Ok(Some(mac)),
        _ => Err(serde::de::Error::custom(format!("\"{text}\" is no unicast Ethernet address like 02:00:00:00:00:01"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Mode;

    #[test]
    fn an_empty_file_is_the_default() {
        let config = Config::parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.engine(), Settings::default());
        assert_eq!(config.control(), LoopSettings::default());
        assert_eq!(config.port_name(3), "fpga3");
    }

    #[test]
    fn every_field_is_read() {
        let config = Config::parse(
            "port_names = \"nic%d\"
            [[ports]]
            name = \"wan\"
            mac = \"02:00:00:00:00:2a\"
            mtu = 9000
            [policy]
            mode = \"mark\"
            mark = 0x10
            mask = 0xf0
            udp_assured = true
            [routes]
            mark_mask = 0xff00
            [timeouts]
            idle_s = 10
            resync_s = 20
            drain_s = 3
            [events]
            buffer_bytes = 4096
            [datapath]
            busy_poll_us = 0
            tail_drop = true
            card_timeout_ms = 300
            card_rest_s = 4",
        )
        .unwrap();
        assert_eq!((config.port_name(0), config.port_name(1)), ("wan".into(), "nic1".into()));
        assert_eq!((config.ports[0].mac, config.ports[0].mtu), (Some([2, 0, 0, 0, 0, 42]), Some(9000)));
        let policy = Policy { mode: Mode::Mark, mark: 0x10, mask: 0xf0, udp_assured: true };
        let settings = Settings { policy, idle: Duration::from_secs(10), route_mark_mask: 0xff00 };
        assert_eq!(config.engine(), settings);
        assert_eq!(config.control(), LoopSettings { event_buffer_bytes: 4096, resync: Duration::from_secs(20) });
        assert_eq!(
            (config.timeouts.drain_s, config.datapath),
            (3, Datapath { busy_poll_us: 0, tail_drop: true, card_timeout_ms: 300, card_rest_s: 4 })
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_in_one_line() {
        let cases = [
            ("[policy]\nmodus = \"all\"", "policy.modus", "unknown field `modus`"),
            ("[policy]\nmode = \"some\"", "policy.mode", "unknown variant `some`"),
            ("[[ports]]\nname = \"a\"\n[[ports]]\nname = 3", "ports[1].name", "invalid type: integer `3`"),
            ("[[ports]]\nname = \"a\"\nmac = \"01:00:00:00:00:01\"", "ports[0].mac", "no unicast Ethernet address"),
            ("[timeouts]\nidle_s = -1", "timeouts.idle_s", "invalid value"),
            ("[policy\n", "line 1", "table"),
            ("\n\nidle = 3", "idle", "unknown field `idle`"),
        ];
        for (text, expected_field, expected_message) in cases {
            let (field, message) = Config::parse(text).unwrap_err();
            assert_eq!(field, expected_field, "{message}");
            assert!(message.contains(expected_message) && !message.contains('\n'), "{field}: {message}");
        }
    }
}
