//! Large tables in large pages: a lookup in a million flows is a TLB miss at every line otherwise.

use rustix::mm::{Advice, madvise};

/// Size of a large page of x86-64, and the least that is worth asking for.
const LARGE_PAGE_BYTES: usize = 2 << 20;

/// An empty vector with room for `len`, in large pages if the system gives them. They must be asked for before the memory is
/// first touched.
pub(crate) fn vec_in_large_pages<T>(len: usize) -> Vec<T> {
    let mut vec: Vec<T> = Vec::with_capacity(len);
    let spare = vec.spare_capacity_mut();
    let range = spare.as_mut_ptr_range();
    let start = range.start.addr().next_multiple_of(LARGE_PAGE_BYTES);
    let end = range.end.addr() / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
    if start < end {
        let at = range.start.map_addr(|_| start);
        // SAFETY: the range lies in an allocation of our own; the advice changes how its pages are backed, never what they hold.
        // An error means that the system has no large pages, and then there is nothing to be done about it.
        let _ = unsafe { madvise(at.cast(), end - start, Advice::LinuxHugepage) };
    }
    vec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_the_room_asked_for_whatever_its_size() {
        for len in [0, 1, 1000, 1 << 20] {
            let mut vec = vec_in_large_pages::<u64>(len);
            assert!(vec.is_empty() && vec.capacity() >= len);
            vec.resize(len, 7);
            assert!(vec.iter().all(|word| *word == 7));
        }
    }
}
