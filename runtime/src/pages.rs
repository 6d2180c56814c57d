//! Memory in huge pages, where the system has them.
//!
//! A model's file is mapped in huge pages by systems whose file systems have them; memory that
//! stands for one in a measurement should lie in them, too. In small pages, where these happen to
//! be makes reading up to a quarter faster or slower, and all of it slower: by half in a virtual
//! machine, whose pages are looked up twice.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Bytes in huge pages, if the system has them.
pub struct Pages(MmapMut);

impl Pages {
    /// `len` zeros, at least one.
    ///
    /// # Errors
    /// If the system does not have so much memory.
    pub fn zeroed(len: usize) -> io::Result<Self> {
        let memory = MmapMut::map_anon(len)?;
        #[cfg(target_os = "linux")]
        if let Err(reason) = memory.advise(memmap2::Advice::HugePage) {
            tracing::debug!("no huge pages: {reason}");
        }
        Ok(Self(memory))
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zeros_that_can_be_written() {
        for len in [1, 4097, 3 << 20] {
            let mut pages = Pages::zeroed(len).unwrap();
            assert!(pages.len() == len && pages.iter().all(|byte| *byte == 0));
            pages.fill(7);
            assert_eq!(pages[len - 1], 7);
        }
    }
}
