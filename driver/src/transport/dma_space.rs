//! The addresses at which a card sees host memory: which are free, and what is mapped where.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Iova;
use crate::dma::{DmaBuffer, PAGE_BYTES};

/// Below this an address fits 32 bits: one whose upper half is forgotten would still hit something. Taken only where nothing else is.
const PREFERRED_FIRST: u64 = 1 << 32;

/// Address space of one card's DMA.
///
/// A page stays free between any two buffers, so that a card that runs over an end is caught.
#[derive(Debug)]
pub(super) struct DmaSpace {
    ranges: Vec<RangeInclusive<u64>>,
    mapped: BTreeMap<u64, Arc<DmaBuffer>>,
}

impl DmaSpace {
    /// Addresses within `ranges`.
    pub(super) fn new(ranges: Vec<RangeInclusive<u64>>) -> Self {
        Self { ranges, mapped: BTreeMap::new() }
    }

    /// Takes a place for `buffer`, aligned to its pages, and keeps it; `None` when there is no room.
    pub(super) fn insert(&mut self, buffer: &Arc<DmaBuffer>) -> Option<Iova> {
        let align = buffer.page_bytes() as u64;
        let len = buffer.len_bytes() as u64;
        let iova = [PREFERRED_FIRST, PAGE_BYTES as u64].into_iter().find_map(|first| {
            let ranges = self.ranges.iter().map(|range| (*range.start()).max(first)..=*range.end());
            ranges.into_iter().find_map(|range| self.first_fit(&range, len, align))
        })?;
        self.mapped.insert(iova, Arc::clone(buffer));
        Some(Iova(iova))
    }

    /// The buffer at `iova`.
    pub(super) fn get(&self, iova: Iova) -> Option<&Arc<DmaBuffer>> {
        self.mapped.get(&iova.0)
    }

    /// Gives a place back.
    pub(super) fn remove(&mut self, iova: Iova) -> Option<Arc<DmaBuffer>> {
        self.mapped.remove(&iova.0)
    }

    fn first_fit(&self, range: &RangeInclusive<u64>, len: u64, align: u64) -> Option<u64> {
        let mut at = range.start().checked_next_multiple_of(align)?;
        for (base, buffer) in &self.mapped {
            if at.checked_add(len)?.checked_add(PAGE_BYTES as u64)? <= *base {
                break;
            }
            let behind = base.checked_add((buffer.len_bytes() + PAGE_BYTES) as u64)?;
            at = at.max(behind.checked_next_multiple_of(align)?);
        }
        (at.checked_add(len - 1)? <= *range.end()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = PAGE_BYTES as u64;

    fn buffer(pages: usize) -> Arc<DmaBuffer> {
        Arc::new(DmaBuffer::new(pages * PAGE_BYTES).unwrap())
    }

    #[test]
    fn buffers_never_touch_and_holes_are_used_again() {
        let mut space = DmaSpace::new(vec![PAGE..=u64::MAX]);
        let places: Vec<_> = (0..4).map(|_| space.insert(&buffer(2)).unwrap().0).collect();
        assert_eq!(places, [0, 3, 6, 9].map(|page| PREFERRED_FIRST + page * PAGE));
        assert!(space.remove(Iova(places[1])).is_some());
        assert!(space.remove(Iova(places[1])).is_none());
        assert_eq!(space.insert(&buffer(3)).unwrap().0, PREFERRED_FIRST + 12 * PAGE, "too large for the hole");
        assert_eq!(space.insert(&buffer(1)).unwrap().0, places[1]);
    }

    #[test]
    fn a_range_is_used_to_its_last_byte_and_not_further() {
        let mut space = DmaSpace::new(vec![PREFERRED_FIRST..=PREFERRED_FIRST + 4 * PAGE - 1]);
        assert!(space.insert(&buffer(5)).is_none());
        assert_eq!(space.insert(&buffer(4)), Some(Iova(PREFERRED_FIRST)));
        assert!(space.insert(&buffer(1)).is_none());
    }

    #[test]
    fn an_iommu_of_32_bits_is_good_enough() {
        let mut space = DmaSpace::new(vec![0..=0xfedf_ffff, 0xfef0_0000..=0xffff_ffff]);
        assert_eq!(space.insert(&buffer(1)), Some(Iova(PAGE)), "never at 0");
    }

    #[test]
    fn the_end_of_the_address_space_does_not_wrap() {
        let mut space = DmaSpace::new(vec![u64::MAX - 2 * PAGE + 1..=u64::MAX]);
        assert_eq!(space.insert(&buffer(2)), Some(Iova(u64::MAX - 2 * PAGE + 1)));
        assert!(space.insert(&buffer(1)).is_none());
    }
}
