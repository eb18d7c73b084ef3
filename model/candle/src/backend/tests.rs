#![allow(clippy::unwrap_used)]
use precis_engine::synthetic::{self, Kind, Mix, Shape, Value};
use precis_engine::testing::model_file;
use precis_engine::{Engine, Rules, Settings, Threads, Transformer};

use super::*;

fn load(shape: &Shape) -> Result<Candle, LoadError> {
    Candle::load("synthetic", synthetic::gguf(shape, 11), Device::Cpu)
}

fn request(prompt: Vec<u32>, cap: usize) -> Request {
    let (payer, control) = (Payer([1; 32]), Control::new());
    Request { prompt, cap, payer, control, rules: Rules::default() }
}

/// Numbers below 300 that look like nothing in particular.
fn prompt(length: usize) -> Vec<u32> {
    (0..length as u32).map(|index| index.wrapping_mul(2_654_435_761) % 300).collect()
}

fn own(bytes: Vec<u8>) -> Engine {
    let mut gguf = precis_engine::Gguf::parse("model", bytes).unwrap();
    let model = Transformer::load(&mut gguf).unwrap();
    Engine::new(model, Threads::new().unwrap(), &Settings::default()).unwrap()
}

/// Of so many beginnings of a text, how many go on with the same token in both back ends.
fn agreeing(bytes: Vec<u8>, text: &[u32]) -> (usize, usize) {
    let (theirs, own) = (Candle::load("model", bytes.clone(), Device::Cpu).unwrap(), own(bytes));
    let first = |backend: &dyn Backend, length: usize| {
        backend.generate_all(vec![request(text[..length].to_vec(), 1)]).unwrap().remove(0).ids[0]
    };
    let lengths: Vec<usize> = (2..=text.len()).step_by(3).collect();
    let same = lengths.iter().filter(|length| first(&theirs, **length) == first(&own, **length)).count();
    (same, lengths.len())
}

#[test]
fn the_version_in_a_back_ends_name_is_that_of_the_lock_file() {
    let lock = include_str!("../../../../Cargo.lock");
    assert!(lock.contains(&format!("name = \"candle-transformers\"\nversion = \"{VERSION}\"\n")));
}

#[test]
fn both_back_ends_go_on_with_the_same_token() {
    let eight_bits = Mix::All(Kind::Q8_0);
    for shape in [Shape::tiny_llama(), Shape::tiny_qwen2(), Shape::tiny_qwen3()] {
        let (same, all) = agreeing(synthetic::gguf(&Shape { mix: eight_bits, ..shape }, 3), &prompt(120));
        assert!(same * 100 >= all * 85, "{same} of {all}");
    }
}

#[test]
fn both_back_ends_go_on_with_the_same_token_on_a_real_model() {
    let Some(path) = model_file("smollm2-135m-instruct.q4_1.gguf") else { return };
    let bytes = std::fs::read(path).unwrap();
    let gguf = precis_engine::Gguf::parse("real", &bytes).unwrap();
    let bpe = precis_engine::tokenizer::Bpe::from_gguf(&gguf).unwrap();
    let text = "The committee met on Tuesday and agreed to replace the boiler before October, because the old one fails \
                every winter and repairs now cost more than a new one. The money comes from the reserve of the house.";
    let ids = bpe.ids(text).unwrap();
    drop(gguf);
    let (same, all) = agreeing(bytes, &ids);
    assert!(same * 100 >= all * 85, "{same} of {all}");
}

#[test]
fn a_family_that_the_own_engine_does_not_know_is_written_with() {
    let bytes = synthetic::gguf(&Shape::tiny_phi3(), 5);
    let refused = Transformer::load(&mut precis_engine::Gguf::parse("phi", &bytes).unwrap()).err().unwrap();
    assert!(refused.to_string().contains("phi3"), "{refused}");
    let candle = Candle::load("phi", bytes, Device::Cpu).unwrap();
    assert_eq!(candle.name(), format!("candle {VERSION} cpu"));
    let write = || candle.generate_all(vec![request(prompt(400), 20), request(prompt(30), 5)]).unwrap();
    let written = write();
    assert_eq!((written[0].ids.len(), written[1].ids.len()), (20, 5));
    assert_eq!(write(), written, "the same again, whatever was computed before");
    // Beyond its window candle would let it see too much.
    assert_eq!(candle.positions(), 2047);
    assert_eq!(candle.generate_all(vec![request(prompt(2040), 20)]), Err(Error::Internal("context")));
}

/// The largest difference between the logits of a prompt that is read whole and in these pieces.
fn difference(shape: &Shape, length: usize) -> f32 {
    let bytes = synthetic::gguf(&Shape { mix: Mix::All(Kind::Q8_0), ..shape.clone() }, 7);
    let mut model = Model::load("synthetic", &bytes, Device::Cpu).unwrap();
    let text = prompt(length);
    let whole = model.read(&text, 0).unwrap();
    let (mut position, mut last) = (0, Zeroizing::default());
    for length in model.pieces(text.len()) {
        last = model.read(&text[position..position + length], position).unwrap();
        position += length;
    }
    whole.iter().zip(last.iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_prompt_is_read_in_pieces_as_it_is_read_whole() {
    for shape in [Shape::tiny_phi3(), Shape::tiny_llama(), Shape::tiny_qwen2(), Shape::tiny_qwen3()] {
        let far = difference(&shape, 77);
        assert!(far < 0.05, "{}: {far}", shape.architecture);
    }
}

#[test]
fn far_positions_are_told_apart_as_the_own_engine_tells_them() {
    let shape = Shape { context: 4096, layers: 1, mix: Mix::All(Kind::Q8_0), ..Shape::tiny_qwen3() };
    let bytes = synthetic::gguf(&shape, 9);
    let text = prompt(2500);
    let mut theirs = Model::load("far", &bytes, Device::Cpu).unwrap();
    let (mut position, mut last) = (0, Zeroizing::default());
    for length in theirs.pieces(text.len()) {
        last = theirs.read(&text[position..position + length], position).unwrap();
        position += length;
    }
    let mut own = Vec::new();
    let mut rig = precis_engine::Rig::load(bytes, Some(2), 1, 2600).unwrap();
    rig.logits(&text, |index, logits| {
        if index + 1 == text.len() {
            own = logits.to_vec();
        }
    });
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let cosine = dot(&own, &last) / (dot(&own, &own) * dot(&last, &last)).sqrt();
    assert!(cosine > 0.99, "{cosine}");
}

#[test]
fn an_architecture_or_a_feature_that_candle_does_not_compute_is_refused_by_name() {
    let refused = |shape: Shape| load(&shape).err().unwrap().to_string();
    let unknown = refused(Shape { architecture: "mamba", ..Shape::tiny_llama() });
    assert!(unknown.contains("\"mamba\"") && unknown.contains("lfm2, llama, phi3"), "{unknown}");
    let wrong = refused(Shape { architecture: "gemma3", ..Shape::tiny_llama() });
    assert!(wrong.contains("activation"), "{wrong}");
    let base = refused(Shape { rope_base: 5e5, ..Shape::tiny_phi3() });
    assert!(base.contains("phi3.rope.freq_base"), "{base}");
    let more = |key, value| {
        let bytes = synthetic::gguf_with(&Shape::tiny_llama(), 1, &[(key, value)]);
        Candle::load("synthetic", bytes, Device::Cpu).err().unwrap().to_string()
    };
    let stretched = more("llama.rope.scaling.factor", Value::Float(8.0));
    assert!(stretched.contains("llama.rope.scaling.factor"), "{stretched}");
    // Sizes by which candle would take memory before it looks at a tensor.
    for (key, value) in [
        ("llama.block_count", u32::MAX),
        ("llama.attention.head_count_kv", 0),
        ("llama.rope.dimension_count", u32::MAX),
        ("llama.rope.dimension_count", 3),
        ("general.alignment", 64),
    ] {
        let unsound = more(key, Value::Number(value));
        assert!(unsound.contains("do not fit each other") || unsound.contains("outside the file"), "{key}: {unsound}");
    }
}

#[test]
fn a_device_that_is_not_built_in_is_refused() {
    if cfg!(feature = "cuda") {
        return;
    }
    let refused = Candle::load("x", synthetic::gguf(&Shape::tiny_llama(), 1), Device::Cuda).err().unwrap();
    assert!(refused.to_string().contains("feature `cuda` is off"), "{refused}");
}

#[test]
fn rules_caps_and_controls_hold() {
    let candle = load(&Shape::tiny_llama()).unwrap();
    let free = candle.generate_all(vec![request(prompt(20), 8)]).unwrap().remove(0);
    assert!(!free.finished && free.ids.len() == 8);
    let ends = Rules { ends: vec![free.ids[0]], ..Rules::default() };
    let ended = candle.generate_all(vec![Request { rules: ends, ..request(prompt(20), 8) }]).unwrap().remove(0);
    assert_eq!(ended, Written { ids: Vec::new(), finished: true });
    let stop = Rules { stop: Some(Box::new(|written| written.len() >= 3)), ..Rules::default() };
    let stopped = candle.generate_all(vec![Request { rules: stop, ..request(prompt(20), 8) }]).unwrap().remove(0);
    assert_eq!(stopped.ids, free.ids[..3]);

    let late = Control::new().with_deadline(Instant::now());
    let late = Request { control: late, ..request(prompt(20), 8) };
    assert_eq!(candle.generate_all(vec![late]), Err(Error::Deadline));
    let control = Control::new();
    control.canceller().cancel();
    assert_eq!(candle.generate_all(vec![Request { control, ..request(prompt(20), 8) }]), Err(Error::Cancelled));
    let panics = Rules { stop: Some(Box::new(|_| panic!("a caller's function"))), ..Rules::default() };
    assert_eq!(
        candle.generate_all(vec![Request { rules: panics, ..request(prompt(20), 8) }]),
        Err(Error::Internal("panic"))
    );
    assert_eq!(candle.generate_all(vec![request(prompt(20), 8)]), Ok(vec![free]), "the thread lives on");
}

#[test]
fn requests_that_cannot_be_are_refused() {
    let candle = load(&Shape::tiny_llama()).unwrap();
    for (prompt, cap, operation) in [
        (vec![], 4, "context"),
        (vec![1], 4, "context"),
        (prompt(1000), 26, "context"),
        (vec![1, 320], 4, "vocabulary"),
    ] {
        assert_eq!(candle.generate_all(vec![request(prompt, cap)]), Err(Error::Internal(operation)));
    }
    assert_eq!(candle.generate_all(Vec::new()), Ok(Vec::new()));
}

#[test]
fn a_job_that_waits_can_be_called_off_and_the_least_served_payer_is_next() {
    let (sender, receiver) = channel();
    let mut queue = Queue::new(receiver);
    let job = |payer: u8| {
        let (reply, outcome) = sync_channel(1);
        let request = Request { payer: Payer([payer; 32]), ..request(prompt(4), 1) };
        let canceller = request.control.canceller();
        (Job { request, abandoned: Arc::default(), reply }, canceller, outcome)
    };
    let (first, _, _first) = job(1);
    let (second, canceller, cancelled) = job(1);
    let (other, _, _other) = job(2);
    [first, second, other].into_iter().for_each(|job| sender.send(job).unwrap());
    queue.tend();
    queue.clocks.serve(Payer([1; 32]), 100);
    canceller.cancel();
    assert_eq!(queue.next().unwrap().request.payer, Payer([2; 32]));
    assert_eq!(cancelled.recv().unwrap(), Err(Error::Cancelled));
    assert_eq!(queue.next().unwrap().request.payer, Payer([1; 32]));
    drop(sender);
    assert!(queue.next().is_none());
}
