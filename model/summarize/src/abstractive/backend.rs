//! The back end that computes a language model, as its manifest says.

use precis_candle::{Candle, Device};
use precis_engine::{Engine, Gguf, Settings, Threads, Transformer};

use crate::error::LoadError;
use crate::manifest::Backend;

/// Load the hashed bytes of a GGUF file.
pub(super) fn load(
    backend: Backend,
    (name, bytes): (&str, Vec<u8>),
    threads: &Threads,
    settings: &Settings,
) -> Result<Box<dyn precis_engine::Backend>, LoadError> {
    let device = match backend {
        Backend::Precis => {
            let model = Transformer::load(&mut Gguf::parse(name, bytes)?)?;
            return Ok(Box::new(Engine::new(model, threads.clone(), settings)?));
        }
        Backend::Candle => Device::Cpu,
        Backend::CandleCuda => Device::Cuda,
    };
    Ok(Box::new(Candle::load(name, bytes, device)?))
}
