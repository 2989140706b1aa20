//! Tags of a file and the encapsulation that they are.

use fpgaflow_abi::key::{Encap, Tag, TagKind};

use crate::error::Problem;
use crate::file::EncapTag;
use crate::set::FieldError;

/// Largest VLAN id.
const MAX_VLAN_ID: u16 = 4094;

/// Reads tags from the outside in: at most two, then at most one PPPoE session.
pub(crate) fn encap(fields: &[EncapTag], at: impl Fn() -> String) -> Result<Encap, FieldError> {
    let mut encap = Encap::NONE;
    for (i, field) in fields.iter().enumerate() {
        let wrong = |problem| (format!("{}[{i}]", at()), problem);
        let (kind, vid) = match *field {
            EncapTag::Vlan(vid) => (TagKind::Dot1Q, vid),
            EncapTag::Qinq(vid) => (TagKind::Dot1ad, vid),
            EncapTag::Pppoe(session) => {
                if encap.pppoe.is_some() {
                    return Err(wrong(Problem::EncapDepth));
                }
                if session == 0 || session == u16::MAX {
                    return Err(wrong(Problem::Session(session)));
                }
                encap.pppoe = Some(session);
                continue;
            }
        };
        if vid > MAX_VLAN_ID {
            return Err(wrong(Problem::VlanId(vid)));
        }
        let free = encap.tags.iter_mut().find(|tag| tag.is_none()).filter(|_| encap.pppoe.is_none());
        *free.ok_or_else(|| wrong(Problem::EncapDepth))? = Some(Tag { kind, vid });
    }
    Ok(encap)
}

/// The tags that [`encap`] reads.
pub(crate) fn encap_tags(encap: &Encap) -> Vec<EncapTag> {
    let tags = encap.tags.iter().flatten().map(|tag| match tag.kind {
        TagKind::Dot1Q => EncapTag::Vlan(tag.vid),
        TagKind::Dot1ad => EncapTag::Qinq(tag.vid),
    });
    tags.chain(encap.pppoe.map(EncapTag::Pppoe)).collect()
}
