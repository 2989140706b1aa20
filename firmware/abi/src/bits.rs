//! Wide bit rows and the fields inside them: how table rows are described once for hardware and software.

/// A contiguous range of bits of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Position of the least significant bit.
    pub lsb: usize,
    /// Width in bits, 1 to 128.
    pub width: usize,
}

impl Field {
    /// The field of `width` bits that starts at `lsb`.
    pub const fn new(lsb: usize, width: usize) -> Self {
        Self { lsb, width }
    }

    /// The field of `width` bits right above this one.
    pub const fn then(self, width: usize) -> Self {
        Self { lsb: self.end(), width }
    }

    /// First bit above the field.
    pub const fn end(self) -> usize {
        self.lsb + self.width
    }

    /// The same field in a row that holds this row `offset` bits up.
    pub const fn above(self, offset: usize) -> Self {
        Self { lsb: self.lsb + offset, width: self.width }
    }
}

/// A row of `WORDS` times 64 bits, least significant word first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row<const WORDS: usize>(pub [u64; WORDS]);

impl<const WORDS: usize> Default for Row<WORDS> {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl<const WORDS: usize> Row<WORDS> {
    /// Value of `field`.
    ///
    /// # Panics
    /// When the field does not fit the row, which is a defect of the caller's layout, never of data.
    #[inline]
    pub const fn get(&self, field: Field) -> u128 {
        let mut value: u128 = 0;
        let mut done = 0;
        while done < field.width {
            let bit = field.lsb + done;
            let chunk = min(64 - bit % 64, field.width - done);
            let part = (self.0[bit / 64] >> (bit % 64)) & mask(chunk);
            value |= (part as u128) << done;
            done += chunk;
        }
        value
    }

    /// Replaces `field` by the low bits of `value`.
    ///
    /// # Panics
    /// As [`Row::get`].
    #[inline]
    pub const fn set(&mut self, field: Field, value: u128) {
        let mut done = 0;
        while done < field.width {
            let bit = field.lsb + done;
            let chunk = min(64 - bit % 64, field.width - done);
            let part = (value >> done) as u64 & mask(chunk);
            let word = &mut self.0[bit / 64];
            *word = (*word & !(mask(chunk) << (bit % 64))) | (part << (bit % 64));
            done += chunk;
        }
    }

    /// Whether bit `index` is set.
    #[inline]
    pub const fn bit(&self, index: usize) -> bool {
        (self.0[index / 64] >> (index % 64)) & 1 == 1
    }
}

const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

const fn mask(width: usize) -> u64 {
    if width == 64 { u64::MAX } else { (1 << width) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_across_words_reads_back_and_spares_its_neighbours() {
        let mut row = Row::<3>([u64::MAX; 3]);
        let field = Field::new(60, 70);
        let value = 0x2a_5555_aaaa_0f0f_f0f0;
        row.set(field, value);
        assert_eq!(row.get(field), value);
        assert_eq!(row.get(Field::new(0, 60)), (1 << 60) - 1);
        assert_eq!(row.get(Field::new(130, 62)), (1 << 62) - 1);
    }
}
