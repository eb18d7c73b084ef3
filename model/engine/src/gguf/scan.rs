//! A walk over the header of a GGUF file before anything is allocated for it: every length and every count that the
//! file states is compared with the bytes that are there and with what a language model can need.

/// Longest header: metadata with the whole vocabulary, and the list of tensors. The largest known are below 16 MiB.
const MAX_HEADER_BYTES: usize = 64 << 20;
/// Most metadata keys.
const MAX_KEYS: u64 = 1024;
/// Most tensors.
const MAX_TENSORS: u64 = 8192;
/// Longest key or name of a tensor, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// Most array elements of all metadata together; each becomes a value of its own in memory.
const MAX_ELEMENTS: u64 = 1 << 20;
/// Most dimensions of a tensor.
const MAX_DIMENSIONS: u32 = 4;
/// Largest alignment of the tensor data, in bytes.
const MAX_ALIGNMENT: u32 = 1 << 16;

const TYPE_BOOL: u32 = 7;
const TYPE_STRING: u32 = 8;
const TYPE_ARRAY: u32 = 9;
const TYPE_U32: u32 = 4;

/// What is wrong with a header.
pub(super) type Refusal = &'static str;

/// Check the header at the start of `bytes`.
pub(super) fn scan(bytes: &[u8]) -> Result<(), Refusal> {
    let mut reader = Reader { rest: bytes.get(..MAX_HEADER_BYTES).unwrap_or(bytes) };
    if reader.take(4)? != b"GGUF" {
        return Err("it does not begin as a GGUF file");
    }
    if !matches!(reader.u32()?, 2 | 3) {
        return Err("its GGUF version is neither 2 nor 3");
    }
    let (tensors, keys) = (reader.u64()?, reader.u64()?);
    if tensors > MAX_TENSORS || keys > MAX_KEYS {
        return Err("it declares more tensors or metadata keys than a model has");
    }
    let mut elements = 0;
    let mut names: Vec<&[u8]> = Vec::new();
    for _ in 0..keys {
        let key = reader.name()?;
        let kind = reader.u32()?;
        if key == b"general.alignment" {
            check_alignment(&reader, kind)?;
        }
        reader.value(kind, &mut elements)?;
        names.push(key);
    }
    require_distinct(&mut names)?;
    for _ in 0..tensors {
        names.push(reader.name()?);
        let dimensions = reader.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err("a tensor has more than four dimensions");
        }
        reader.take(dimensions as usize * 8)?;
        // Element type and offset; they are checked when the list is read.
        reader.take(4 + 8)?;
    }
    require_distinct(&mut names)
}

/// Of two entries with one name a reader would keep either.
fn require_distinct(names: &mut Vec<&[u8]>) -> Result<(), Refusal> {
    names.sort_unstable();
    let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
    names.clear();
    if distinct { Ok(()) } else { Err("a name occurs twice in its header") }
}

fn check_alignment(at: &Reader<'_>, kind: u32) -> Result<(), Refusal> {
    let alignment = Reader { rest: at.rest }.u32()?;
    if kind == TYPE_U32 && alignment.is_power_of_two() && alignment <= MAX_ALIGNMENT {
        Ok(())
    } else {
        Err("its alignment is not a small power of two")
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("its header ends early or is too long")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or("its header ends early or is too long")?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Refusal> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Refusal> {
        self.array().map(u64::from_le_bytes)
    }

    fn string(&mut self) -> Result<&'a [u8], Refusal> {
        let length = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        self.take(length)
    }

    fn name(&mut self) -> Result<&'a [u8], Refusal> {
        let name = self.string()?;
        // Trailing zeros would be stripped later and make two names one.
        let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
        if fits { Ok(name) } else { Err("a name in its header is empty, too long or not plain ASCII") }
    }

    fn value(&mut self, kind: u32, elements: &mut u64) -> Result<(), Refusal> {
        if kind != TYPE_ARRAY {
            return self.scalar(kind);
        }
        let (kind, count) = (self.u32()?, self.u64()?);
        *elements = elements.saturating_add(count);
        if *elements > MAX_ELEMENTS {
            return Err("its metadata arrays have too many elements");
        }
        if kind == TYPE_ARRAY {
            return Err("an array of its metadata is nested");
        }
        (0..count).try_for_each(|_| self.scalar(kind))
    }

    fn scalar(&mut self, kind: u32) -> Result<(), Refusal> {
        let width = match kind {
            0 | 1 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            TYPE_BOOL => 1,
            TYPE_STRING => return self.string().map(|_| ()),
            _ => return Err("a metadata value is of an unknown type"),
        };
        self.take(width).map(|_| ())
    }
}
