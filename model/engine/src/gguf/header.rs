//! The header of a GGUF file: metadata and the list of tensors. Every length and every count that the file states is
//! compared with the bytes that are there, and with the needs of a language model, before memory is taken for it.

use std::collections::BTreeMap;

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
/// Alignment of the tensor data where the file names none, and the largest one, in bytes.
const ALIGNMENT: u64 = 32;
const MAX_ALIGNMENT: u64 = 1 << 16;

const TYPE_U32: u32 = 4;
const TYPE_I32: u32 = 5;
const TYPE_F32: u32 = 6;
const TYPE_BOOL: u32 = 7;
const TYPE_STRING: u32 = 8;
const TYPE_ARRAY: u32 = 9;

/// Defect of a header.
pub(super) type Refusal = &'static str;

/// A metadata value, as far as this build asks for such.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    /// An integer that is not negative; 1 for true, 0 for false.
    Number(u64),
    Float(f32),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i32>),
    Floats(Vec<f32>),
    /// Any other, which nobody asks for.
    Other,
}

/// An entry of the list of tensors.
pub(super) struct Entry {
    /// Number of the element type.
    pub(super) kind: u32,
    /// Rows first, as the product sees them.
    pub(super) shape: Vec<usize>,
    /// Place behind the header.
    pub(super) offset: u64,
}

/// A header that is well formed. Its tensors may still lie outside the file.
pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) tensors: BTreeMap<String, Entry>,
    /// Place of the first tensor's data.
    pub(super) data: u64,
}

/// Read the header at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Result<Header, Refusal> {
    let head = bytes.get(..MAX_HEADER_BYTES).unwrap_or(bytes);
    let mut reader = Reader { rest: head };
    if reader.take(4)? != b"GGUF" {
        return Err("it does not begin as a GGUF file");
    }
    if !matches!(reader.u32()?, 2 | 3) {
        return Err("its GGUF version is neither 2 nor 3");
    }
    let (tensor_count, key_count) = (reader.u64()?, reader.u64()?);
    if tensor_count > MAX_TENSORS || key_count > MAX_KEYS {
        return Err("it declares more tensors or metadata keys than a model has");
    }
    let mut elements = 0;
    let (mut metadata, mut tensors) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..key_count {
        let key = reader.name()?;
        let kind = reader.u32()?;
        let value = reader.value(kind, &mut elements)?;
        // Of two entries with one name a reader would keep either.
        if metadata.insert(key, value).is_some() {
            return Err(TWICE);
        }
    }
    for _ in 0..tensor_count {
        let name = reader.name()?;
        if tensors.insert(name, reader.entry()?).is_some() {
            return Err(TWICE);
        }
    }
    let alignment = alignment(&metadata)?;
    let end = (head.len() - reader.rest.len()) as u64;
    Ok(Header { metadata, tensors, data: end.next_multiple_of(alignment) })
}

const TWICE: Refusal = "a name occurs twice in its header";

fn alignment(metadata: &BTreeMap<String, Value>) -> Result<u64, Refusal> {
    match metadata.get("general.alignment") {
        None => Ok(ALIGNMENT),
        Some(Value::Number(alignment)) if alignment.is_power_of_two() && *alignment <= MAX_ALIGNMENT => Ok(*alignment),
        Some(_) => Err("its alignment is not a small power of two"),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
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

    fn text(&mut self) -> Result<String, Refusal> {
        // Some files hold bytes of a token that are no UTF-8 by themselves; no such token is ever matched.
        self.string().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn name(&mut self) -> Result<String, Refusal> {
        let name = self.string()?;
        let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
        if fits {
            Ok(String::from_utf8_lossy(name).into_owned())
        } else {
            Err("a name in its header is empty, too long or not plain ASCII")
        }
    }

    fn entry(&mut self) -> Result<Entry, Refusal> {
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err("a tensor has more than four dimensions");
        }
        // The file names the shortest-moving dimension first.
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            shape.push(usize::try_from(self.u64()?).unwrap_or(usize::MAX));
        }
        shape.reverse();
        Ok(Entry { shape, kind: self.u32()?, offset: self.u64()? })
    }

    fn value(&mut self, kind: u32, elements: &mut u64) -> Result<Value, Refusal> {
        if kind != TYPE_ARRAY {
            return self.scalar(kind);
        }
        let (kind, count) = (self.u32()?, self.u64()?);
        *elements = elements.saturating_add(count);
        if *elements > MAX_ELEMENTS {
            return Err("its metadata arrays have too many elements");
        }
        match kind {
            TYPE_STRING => (0..count).map(|_| self.text()).collect::<Result<_, _>>().map(Value::Texts),
            TYPE_I32 => {
                (0..count).map(|_| self.array().map(i32::from_le_bytes)).collect::<Result<_, _>>().map(Value::Integers)
            }
            TYPE_F32 => {
                (0..count).map(|_| self.array().map(f32::from_le_bytes)).collect::<Result<_, _>>().map(Value::Floats)
            }
            TYPE_ARRAY => Err("an array of its metadata is nested"),
            _ => (0..count).try_for_each(|_| self.scalar(kind).map(|_| ())).map(|()| Value::Other),
        }
    }

    fn scalar(&mut self, kind: u32) -> Result<Value, Refusal> {
        let signed = |value: i64| u64::try_from(value).map_or(Value::Other, Value::Number);
        Ok(match kind {
            0 => Value::Number(u64::from(self.array::<1>()?[0])),
            1 => signed(i64::from(i8::from_le_bytes(self.array()?))),
            2 => Value::Number(u64::from(u16::from_le_bytes(self.array()?))),
            3 => signed(i64::from(i16::from_le_bytes(self.array()?))),
            TYPE_U32 => Value::Number(u64::from(self.u32()?)),
            TYPE_I32 => signed(i64::from(i32::from_le_bytes(self.array()?))),
            TYPE_F32 => Value::Float(f32::from_le_bytes(self.array()?)),
            TYPE_BOOL => Value::Number(u64::from(self.array::<1>()?[0] != 0)),
            TYPE_STRING => Value::Text(self.text()?),
            10 => Value::Number(self.u64()?),
            11 => signed(i64::from_le_bytes(self.array()?)),
            12 => self.array::<8>().map(|_| Value::Other)?,
            _ => return Err("a metadata value is of an unknown type"),
        })
    }
}

const SHORT: Refusal = "its header ends early or is too long";
