//! A Bloom filter over a run's keys, so that an absent key seldom costs a read.

/// Ten bits and seven probes a key let about one absent key in a hundred through.
const BITS_PER_KEY: usize = 10;
const PROBES: u32 = 7;

pub struct Filter(Vec<u64>);

impl Filter {
    /// FNV-1a with a final mix: only speed and spread matter, not resistance.
    pub fn hash(key: &[u8]) -> u64 {
        let mut hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        hash ^= hash >> 32;
        hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
        hash ^ (hash >> 32)
    }

    pub fn of(hashes: &[u64]) -> Filter {
        let mut words = vec![0_u64; (hashes.len() * BITS_PER_KEY).div_ceil(64).max(1)];
        let bits = words.len() as u64 * 64;
        for hash in hashes {
            for bit in probes(*hash, bits) {
                words[(bit / 64) as usize] |= 1 << (bit % 64);
            }
        }
        Filter(words)
    }

    pub fn may_hold(&self, key: &[u8]) -> bool {
        let bits = self.0.len() as u64 * 64;
        probes(Self::hash(key), bits).all(|bit| self.0[(bit / 64) as usize] >> (bit % 64) & 1 == 1)
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        self.0
            .iter()
            .for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
    }

    pub fn decode(bytes: &[u8]) -> Option<Filter> {
        let (count, rest) = bytes.split_first_chunk::<4>()?;
        let (words, odd) = rest.as_chunks::<8>();
        let fits = odd.is_empty() && words.len() == u32::from_be_bytes(*count) as usize;
        let words: Vec<u64> = words.iter().map(|word| u64::from_be_bytes(*word)).collect();
        (fits && !words.is_empty()).then_some(Filter(words))
    }
}

fn probes(hash: u64, bits: u64) -> impl Iterator<Item = u64> {
    let step = (hash >> 32) | 1;
    (0..u64::from(PROBES)).map(move |turn| hash.wrapping_add(turn.wrapping_mul(step)) % bits)
}
