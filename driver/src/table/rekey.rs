//! A new secret: all places change, no entry does.

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::slot::{Slot, SlotPlace, StashSlot};

use super::FlowTable;
use crate::hash::KeyedHash;
use crate::placement::{Effort, Placement, Plan};

/// Where every entry goes under another secret. Made beside the table; nothing changes until [`FlowTable::rekey`].
#[derive(Debug, Clone)]
pub struct Rekey {
    hash: KeyedHash,
    placement: Placement,
    homeless: Vec<FlowKey>,
}

impl Rekey {
    /// Flows that have no place under the new secret. With some, another secret is worth a try.
    pub fn homeless(&self) -> &[FlowKey] {
        &self.homeless
    }

    /// The new secret.
    pub fn secret(&self) -> &HashSecret {
        self.hash.secret()
    }
}

impl FlowTable {
    /// Places every entry anew under `secret`.
    pub fn plan_rekey(&self, secret: HashSecret, effort: Effort) -> Rekey {
        let hash = KeyedHash::new(secret).cut(self.geometry.hash_bits.into());
        let mut placement = Placement::new(self.geometry.bucket_bits.into(), self.geometry.stash.into());
        let (mut homeless, mut plan) = (Vec::new(), Plan::default());
        for (entry, flow) in self.iter() {
            plan.clear();
            let resident = |entry| hash.hash(&self.rows.key_bits(entry));
            if placement.insert(hash.hash(&flow.key.to_bits()), entry, effort, resident, &mut plan).is_err() {
                homeless.push(flow.key);
            }
        }
        Rekey { hash, placement, homeless }
    }

    /// Goes over to the secret of `rekey`, which must have been planned for this table as it is now: appends the slot writes to `out` and
    /// removes the flows that have no place.
    ///
    /// The card must execute them between [`crate::card::Card::set_secret`] and [`crate::card::Card::set_lookup`]: until the last write,
    /// a lookup would miss flows. What it punts meanwhile, the software flowtable forwards. [`crate::switchover`] does all that with every flow's frames in
    /// order.
    pub fn rekey(&mut self, rekey: Rekey, out: &mut Vec<Command>) {
        for key in &rekey.homeless {
            // Its slots are overwritten below; the writes of this removal are not needed but harmless.
            let removed = self.remove(key, out);
            debug_assert!(removed.is_ok(), "planned for another table");
        }
        self.early_refusals = 0;
        self.hash = rekey.hash;
        let before = std::mem::replace(&mut self.placement, rekey.placement);
        let after = &self.placement;
        let changed = |place: SlotPlace| before.slot(place) != after.slot(place);
        let clears = before.occupied().filter(|(place, _)| !after.slot(*place).valid()).map(|(place, _)| (place, Slot::new()));
        let writes = after.occupied().filter(|(place, _)| changed(*place));
        out.extend(clears.chain(writes).map(|(place, slot)| Command::write_slot(place, slot)));
        let stash = before.stash().zip(after.stash()).zip(0..);
        let changed = stash.filter(|((before, after), _): &((StashSlot, StashSlot), u32)| before != after);
        out.extend(changed.map(|((_, after), index)| Command::write_stash(index, after)));
    }
}
