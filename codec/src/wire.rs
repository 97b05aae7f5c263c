//! What Avro's binary encoding is made of, read from bytes that nobody vouches for.
//!
//! Every length is compared with what is left before anything is made of it.

use crate::failures::Unreadable;

const MORE: u8 = 0x80;
const SEVEN_BITS: u8 = 0x7f;
/// The shift at which a long of 64 bits has room for one bit more.
const LAST_SHIFT: u32 = 63;

/// The bytes that are still to be read.
pub struct Wire<'data> {
    rest: &'data [u8],
}

impl<'data> Wire<'data> {
    pub fn new(data: &'data [u8]) -> Self {
        Self { rest: data }
    }

    pub fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub fn byte(&mut self) -> Result<u8, Unreadable> {
        let (first, rest) = self.rest.split_first().ok_or(Unreadable::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    /// Zigzag, seven bits a byte, lowest first.
    #[inline]
    pub fn long(&mut self) -> Result<i64, Unreadable> {
        let first = self.byte()?;
        if first < MORE {
            return Ok(zigzag(u64::from(first)));
        }
        self.longer(u64::from(first & SEVEN_BITS))
    }

    #[cold]
    fn longer(&mut self, lowest: u64) -> Result<i64, Unreadable> {
        let mut bits = lowest;
        for shift in (7..=LAST_SHIFT).step_by(7) {
            let byte = self.byte()?;
            if shift == LAST_SHIFT && byte > 1 {
                break;
            }
            bits |= u64::from(byte & SEVEN_BITS) << shift;
            if byte < MORE {
                return Ok(zigzag(bits));
            }
        }
        Err(Unreadable::Malformed("a number of at most 64 bits was expected"))
    }

    #[inline]
    pub fn double(&mut self) -> Result<f64, Unreadable> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Unreadable::Truncated)?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// A length, and so many bytes.
    #[inline]
    pub fn span(&mut self) -> Result<&'data [u8], Unreadable> {
        let length = usize::try_from(self.long()?).map_err(|_| Unreadable::Truncated)?;
        let (span, rest) = self.rest.split_at_checked(length).ok_or(Unreadable::Truncated)?;
        self.rest = rest;
        Ok(span)
    }

    /// How many members the next block has, 0 after the last; each takes at least so many bytes.
    #[inline]
    pub fn block(&mut self, least_bytes: usize) -> Result<usize, Unreadable> {
        let stated = self.long()?;
        if stated < 0 {
            self.long()?; // the size of the block, for readers who skip it
        }
        let count = usize::try_from(stated.unsigned_abs()).map_err(|_| Unreadable::Truncated)?;
        if count > self.left() / least_bytes {
            return Err(Unreadable::Truncated);
        }
        Ok(count)
    }
}

#[allow(clippy::cast_possible_wrap)] // the half is below 2^63, and the sign is one bit
fn zigzag(bits: u64) -> i64 {
    (bits >> 1) as i64 ^ -((bits & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::Wire;

    fn long_of(data: &[u8]) -> Option<i64> {
        Wire::new(data).long().ok()
    }

    #[test]
    fn a_long_is_read_from_one_byte_to_ten() {
        assert_eq!(long_of(&[0x00]), Some(0));
        assert_eq!(long_of(&[0x01]), Some(-1));
        assert_eq!(long_of(&[0x80, 0x01]), Some(64));
        assert_eq!(long_of(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Some(i64::MIN));
        assert_eq!(long_of(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Some(i64::MAX));
    }

    #[test]
    fn a_long_of_more_than_64_bits_is_refused() {
        assert_eq!(long_of(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), None);
        assert_eq!(long_of(&[0x80; 11]), None);
    }

    #[test]
    fn a_length_beyond_the_end_takes_nothing() {
        assert!(Wire::new(&[0x06, b'a', b'b']).span().is_err());
        assert!(Wire::new(&[0x01]).span().is_err());
    }

    #[test]
    fn a_block_cannot_promise_more_members_than_bytes() {
        assert!(Wire::new(&[0x06, 0, 0]).block(1).is_err());
        assert!(Wire::new(&[0x06, 0, 0, 0]).block(1).is_ok());
        assert!(Wire::new(&[0x06, 0, 0, 0]).block(2).is_err());
    }
}
